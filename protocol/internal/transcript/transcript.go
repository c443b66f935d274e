// Package transcript reads the golden transcripts of the runtime APIs: the requests
// and responses that the vendors' documents describe.
//
//	# a comment
//	## the name of a scenario
//	> POST /a/request HTTP/1.1
//	> Content-Length: 4
//	>
//	> body
//
//	< HTTP/1.1 200 OK
//	< Header: value
//	<
//	< body
//
// Only headers that matter are listed. A value or a body that ends in * is an
// example, and any other matches, too. A body is one line, in which \x20 is a space
// and {n bytes} means n times x.
package transcript

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// A Scenario is a sequence of exchanges.
type Scenario struct {
	Name      string
	Exchanges []Exchange
}

// An Exchange is a request and its response.
type Exchange struct{ Request, Response Message }

// A Message is a request or a response.
type Message struct {
	Start  string // the first line
	Header []Field
	Body   Value
}

// A Field is a header.
type Field struct {
	Name  string
	Value Value
}

// A Value may be an example.
type Value struct {
	Text    string
	Example bool
}

// Read reads a file of scenarios.
func Read(name string) ([]Scenario, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	scenarios, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return scenarios, nil
}

func parse(text string) (all []Scenario, err error) {
	for block := range strings.SplitSeq(text, "\n\n") {
		for strings.HasPrefix(block, "#") || strings.HasPrefix(block, "\n") {
			line, rest, _ := strings.Cut(block, "\n")
			if name, ok := strings.CutPrefix(line, "## "); ok {
				all = append(all, Scenario{Name: name})
			}
			block = rest
		}
		if block = strings.TrimSpace(block); block == "" {
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%q stands before the first scenario", block)
		}
		if err := all[len(all)-1].add(block); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// add adds a block of lines: a request, or the response to the last request.
func (s *Scenario) add(block string) (err error) {
	if strings.HasPrefix(block, ">") {
		s.Exchanges = append(s.Exchanges, Exchange{})
	}
	if len(s.Exchanges) == 0 {
		return fmt.Errorf("a response without a request: %q", block)
	}
	last := &s.Exchanges[len(s.Exchanges)-1]
	switch {
	case strings.HasPrefix(block, ">"):
		last.Request, err = parseMessage(block, ">")
	case last.Response.Start != "":
		err = fmt.Errorf("a second response: %q", block)
	default:
		last.Response, err = parseMessage(block, "<")
	}
	return err
}

func parseMessage(block, mark string) (m Message, err error) {
	head, inHead := true, true
	for line := range strings.SplitSeq(block, "\n") {
		line, ok := strings.CutPrefix(line, mark)
		line = strings.TrimPrefix(line, " ")
		name, value, field := strings.Cut(line, ": ")
		switch {
		case !ok:
			return m, fmt.Errorf("%q does not begin with %s", line, mark)
		case head:
			m.Start, head = line, false
		case inHead && line == "":
			inHead = false
		case inHead && !field:
			return m, fmt.Errorf("%q is not a header", line)
		case inHead:
			m.Header = append(m.Header, Field{name, parseValue(value)})
		case m.Body != Value{}:
			return m, fmt.Errorf("%q is a second line of a body", line)
		default:
			m.Body = parseBody(line)
		}
	}
	return m, m.check()
}

func parseValue(text string) Value {
	text, example := strings.CutSuffix(text, "*")
	return Value{text, example}
}

func parseBody(line string) Value {
	var n int
	if _, err := fmt.Sscanf(line, "{%d bytes}", &n); err == nil {
		return Value{Text: strings.Repeat("x", n)}
	}
	return parseValue(strings.ReplaceAll(line, `\x20`, " "))
}

// check reports a Content-Length that differs from the body's length.
func (m *Message) check() error {
	for _, f := range m.Header {
		if f.Name == "Content-Length" && f.Value.Text != fmt.Sprint(len(m.Body.Text)) {
			return fmt.Errorf("%q says that its body has %s bytes, it has %d", m.Start, f.Value.Text, len(m.Body.Text))
		}
	}
	return nil
}

// Bytes returns the message as it is sent.
func (m *Message) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString(m.Start + "\r\n")
	for _, f := range m.Header {
		b.WriteString(f.Name + ": " + f.Value.Text + "\r\n")
	}
	b.WriteString("\r\n" + m.Body.Text)
	return b.Bytes()
}

// Check returns an error if a message differs from m in a header or body that m
// lists.
func (m *Message) Check(header func(name string) string, body []byte) error {
	for _, f := range m.Header {
		if got := header(f.Name); !f.Value.allows(got) {
			return fmt.Errorf("header %s: got %q, expected %q", f.Name, got, f.Value.Text)
		}
	}
	if !m.Body.allows(string(body)) {
		return fmt.Errorf("body: got %.200q, expected %.200q", body, m.Body.Text)
	}
	return nil
}

// allows reports whether a value matches. An example matches any value that is not
// empty, and an empty example matches all.
func (v Value) allows(got string) bool {
	if v.Example {
		return v.Text == "" || got != ""
	}
	return got == v.Text || sameJSON(got, v.Text)
}
