package doctor

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"bootstrap/protocol"
)

// page is the document that lists the table. FINDINGS_OUT=… go test writes it.
const page = "../../../../docs/findings.md"

const pageHead = `# What doctor finds

` + "`bootstrapctl doctor`" + ` checks a folder or a zip, and ` + "`bootstrapctl pack`" + ` does the same before it packs. Each finding says what is wrong, which
error the platform would report, and what to do. An error means that the function cannot work. An error becomes a warning if it is about
a file that the function may not need.

Doctor replaces the words in braces. The platforms' errors come from their documents and from reports of users. An empty cell means that
no error is known. This page is generated from the code.

| finding | | what is wrong | what the platform says | what to do |
| --- | --- | --- | --- | --- |
`

// pageOf returns the document.
func pageOf() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, r := range rules {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.id, r.level, cell(r.what), cloudCell(r), cell(r.fix))
	}
	return b.String()
}

func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "`", "'", "<", "&lt;").Replace(text)
}

func cloudCell(r rule) string {
	var parts []string
	if text := r.cloud[""]; text != "" && text != "{failure}" {
		parts = append(parts, "`"+strings.NewReplacer("`", "'", "|", `\|`).Replace(text)+"`")
	} else if text != "" {
		parts = append(parts, "the runtime's failure")
	}
	for _, p := range protocol.Platforms {
		if text := r.cloud[p.Name]; text != "" {
			parts = append(parts, p.Title+": `"+text+"`")
		}
	}
	return strings.Join(parts, "<br>")
}

// TestPage compares the document with the table.
func TestPage(t *testing.T) {
	if out := os.Getenv("FINDINGS_OUT"); out != "" {
		if err := os.WriteFile(out, []byte(pageOf()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(page); err != nil || string(text) != pageOf() {
		t.Errorf("docs/findings.md is not of this table (%v): FINDINGS_OUT=%s go test -run TestPage .", err, page)
	}
}
