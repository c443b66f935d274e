package integration

import (
	"regexp"
	"strings"
	"testing"
)

// TestSampleEvents sends each sample of an event to a function on its platform, which
// answers with the event.
func TestSampleEvents(t *testing.T) {
	list, stderr, status := ctl(t, nil, "event")
	rows := regexp.MustCompile(`(?m)^(\w+) +(\S+) +\S.*$`).FindAllStringSubmatch(list, -1)
	if len(rows) < 20 || len(rows) != strings.Count(list, "\n") || status != 0 {
		t.Fatalf("got status %d, %d samples, %s%s", status, len(rows), list, stderr)
	}
	for _, row := range rows {
		platform, name := row[1], row[2]
		event, stderr, status := ctl(t, nil, "event", platform, name)
		if status != 0 || stderr != "" {
			t.Errorf("%s %s: got status %d, %s", platform, name, status, stderr)
		}
		got, stderr, status := ctl(t, strings.NewReader(event), "invoke", "-q", "-dir", "../examples/shell", "-platform", platform, "-")
		if strings.TrimSpace(got) != strings.TrimSpace(event) || status != 0 {
			t.Errorf("%s %s: got status %d, %s%s, want %s", platform, name, status, got, stderr, event)
		}
	}
}

// TestSampleEventPipe runs the commands that documents show.
func TestSampleEventPipe(t *testing.T) {
	for _, test := range []struct{ document, command, want string }{
		{"README.md", "bootstrapctl event scf apigw | bootstrapctl invoke -", `"path": "/hello"`},
		{"docs/functions.md", "bootstrapctl event lambda sqs | bootstrapctl invoke -platform lambda -", `"eventSource": "aws:sqs"`},
		{"docs/functions.md", `bootstrapctl event functiongraph apig -path '/pets?color=red' -body '{"name": "Ada"}' | bootstrapctl invoke -platform functiongraph -`, `"color": "red"`},
	} {
		if !strings.Contains(readDocument(t, test.document), test.command) {
			t.Errorf("%s does not show %s", test.document, test.command)
		}
		stdout, stderr, status := shell(t, "cd examples/shell && "+test.command)
		if !strings.Contains(stdout, test.want) || status != 0 {
			t.Errorf("%s: got status %d, %s%s", test.command, status, stdout, stderr)
		}
	}
}
