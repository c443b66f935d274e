package transcript

import (
	"net/textproto"
	"strings"
	"testing"
)

const sample = `# a comment
## one
> GET /next HTTP/1.1

< HTTP/1.1 200 OK
< Id: 7
< Content-Length: 3
<
< {3 bytes}

# another comment
## two
# and one more
> POST /ready HTTP/1.1
> Content-Length: 1
>
> \x20

< HTTP/1.1 200 OK
< Content-Length: 2*
<
< ok*
`

func TestParse(t *testing.T) {
	all, err := parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Name != "one" || all[1].Name != "two" {
		t.Fatalf("got %+v", all)
	}
	if got, want := string(all[0].Exchanges[0].Response.Bytes()), "HTTP/1.1 200 OK\r\nId: 7\r\nContent-Length: 3\r\n\r\nxxx"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	two := all[1].Exchanges[0]
	if got, want := string(two.Request.Bytes()), "POST /ready HTTP/1.1\r\nContent-Length: 1\r\n\r\n "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := (Value{"ok", true}); two.Response.Body != want {
		t.Errorf("got %+v, want %+v", two.Response.Body, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no scenario":     "> GET / HTTP/1.1\n",
		"no request":      "## x\n< HTTP/1.1 200 OK\n",
		"two responses":   "## x\n> GET / HTTP/1.1\n\n< HTTP/1.1 200 OK\n\n< HTTP/1.1 200 OK\n",
		"mixed lines":     "## x\n> GET / HTTP/1.1\n< HTTP/1.1 200 OK\n",
		"not a header":    "## x\n> GET / HTTP/1.1\n> header\n",
		"two lines":       "## x\n> GET / HTTP/1.1\n>\n> a\n> b\n",
		"a wrong length":  "## x\n> GET / HTTP/1.1\n> Content-Length: 2\n>\n> a\n",
		"an odd line":     "## x\nGET / HTTP/1.1\n",
		"half an example": "## x\n> GET / HTTP/1.1\n> Content-Length: 2*\n>\n> a*\n",
	} {
		if all, err := parse(text); err == nil {
			t.Errorf("%s: got %+v, want an error", name, all)
		}
	}
}

func TestCheck(t *testing.T) {
	m := Message{
		Header: []Field{{"Id", Value{Text: "7"}}, {"Deadline", Value{"99", true}}},
		Body:   Value{Text: `{"a": 1, "b": 2}`},
	}
	for _, test := range []struct {
		header, body string
		ok           bool
	}{
		{"Id: 7\nDeadline: 5\nMore: x\n\n", `{"b":2,"a":1}`, true},
		{"Id: 8\nDeadline: 5\n\n", `{"b":2,"a":1}`, false},
		{"Id: 7\n\n", `{"b":2,"a":1}`, false},
		{"Id: 7\nDeadline: 5\n\n", `{"b":2,"a":3}`, false},
		{"Id: 7\nDeadline: 5\n\n", `{"b":2,"a":`, false},
	} {
		got := m.Check(parseHeader(t, test.header).Get, []byte(test.body))
		if (got == nil) != test.ok {
			t.Errorf("%q %q: got %v, want ok %v", test.header, test.body, got, test.ok)
		}
	}
}

func parseHeader(t *testing.T, text string) textproto.MIMEHeader {
	t.Helper()
	h := textproto.MIMEHeader{}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}
