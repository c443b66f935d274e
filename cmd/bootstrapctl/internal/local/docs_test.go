package local_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

const page = "../../../../docs/local.md"

// TestDocs checks that the page about the local platform shows the tables in the code.
// With UPDATE_DOCS set, it writes them.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for marker, rows := range map[string]string{"limits": limitRows(), "errors": errorRows()} {
		want = withRows(t, want, "<!-- "+marker+" -->\n", rows)
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Error("docs/local.md is out of date: run UPDATE_DOCS=1 go test -run TestDocs ./cmd/bootstrapctl/internal/local")
	}
}

// withRows replaces the rows of the table before a marker, except its first two
// lines.
func withRows(t *testing.T, text, marker, rows string) string {
	t.Helper()
	before, after, found := strings.Cut(text, marker)
	begin := strings.LastIndex(before, "\n| --- |")
	if !found || begin < 0 {
		t.Fatalf("the page has no table before %q", marker)
	}
	end := begin + 1 + strings.IndexByte(before[begin+1:], '\n') + 1
	return before[:end] + rows + marker + after
}

func limitRows() string {
	var b strings.Builder
	for _, row := range []struct {
		name string
		of   func(l local.Limits) string
	}{
		{"time limit", func(l local.Limits) string { return fmt.Sprintf("%d s", l.Timeout) }},
		{"time for the start", func(l local.Limits) string { return fmt.Sprintf("%d s", l.InitTimeout) }},
		{"memory", func(l local.Limits) string { return fmt.Sprintf("%d to %d MB", l.MemoryMin, l.MemoryMax) }},
		{"variables", func(l local.Limits) string { return fmt.Sprintf("%d bytes", l.Env) }},
		{"event", func(l local.Limits) string { return size(l.Event) }},
		{"asynchronous event", func(l local.Limits) string { return size(l.AsyncEvent) }},
		{"result", func(l local.Limits) string { return size(l.Result) }},
	} {
		fmt.Fprintf(&b, "| %s |", row.name)
		for _, p := range protocol.Platforms {
			fmt.Fprintf(&b, " %s |", row.of(local.LimitsOf(p)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func size(bytes int) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MB", bytes>>20)
	}
	return fmt.Sprintf("%d KB", bytes>>10)
}

func errorRows() string {
	var b strings.Builder
	last := clouderror.Cause("")
	all := clouderror.Table()
	for _, first := range all {
		if first.Platform != "scf" {
			continue
		}
		for _, p := range protocol.Platforms {
			e := clouderror.Of(p.Name, first.Cause)
			cause := string(e.Cause)
			if e.Cause == last {
				cause = ""
			}
			last = e.Cause
			fmt.Fprintf(&b, "| %s | %s | `%s` | `%s` | %s |\n", cause, p.Title, e.Code, strings.TrimSpace(e.Text), e.Confidence)
		}
	}
	return b.String()
}
