package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// In the style JSON each record is an object on one line, with the keys
// timestamp (RFC 3339, UTC, with milliseconds), level, requestId (of the event,
// if there is one), stream (stdout, stderr, or bootstrap: our own), sidecar (its
// name, if it is one) and message. A line of a command that is an object itself
// stays one: it gets those that it lacks in front, but no message.

const (
	ownStream  = "bootstrap"
	timeFormat = "2006-01-02T15:04:05.000Z"
)

// What Python has in a line of its own before a traceback, and between two of
// one exception and its cause.
const (
	pythonTrace   = "Traceback (most recent call last):"
	pythonCause   = "The above exception was the direct cause of the following exception:"
	pythonContext = "During handling of the above exception, another exception occurred:"
)

// A record is what becomes one object: a line, and those that belong to it.
type record struct {
	held   bool
	began  time.Time
	text   []byte
	python bool // it is a traceback
	wantsError   bool // the line that says what went wrong is still to come
	wantsTrace  bool // another traceback is
}

// group adds a line to the record that is held, or to a new one.
func (s *stream) group(line []byte) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	r := &s.record
	if r.held && r.accept(line) && len(r.text)+1+len(line) <= maxLine {
		r.text = append(append(r.text, '\n'), line...)
		return
	}
	s.finish()
	now := time.Now()
	if merged := appendMerged(s.source.out, line, s.head(now)); merged != nil {
		s.source.out = merged
		return
	}
	*r = record{held: true, began: now, text: append(r.text[:0], line...)}
	r.python = string(line) == pythonTrace
	r.wantsError = r.python
}

// accept reports whether a line belongs to the record, as that of a stack trace.
func (r *record) accept(line []byte) bool {
	if indented(line) || bytes.HasPrefix(line, []byte("Caused by:")) || r.isClosing(line) {
		return true
	}
	return r.python && r.acceptPython(string(line))
}

// acceptPython reports whether a line that is not indented belongs to a traceback.
func (r *record) acceptPython(line string) bool {
	switch {
	case r.wantsError: // it says what went wrong, and ends it
		r.wantsError = false
		return true
	case line == pythonCause, line == pythonContext:
		r.wantsTrace = true
		return true
	case line == pythonTrace && r.wantsTrace:
		r.wantsError, r.wantsTrace = true, false
		return true
	}
	return line == "" // before one of these; else it is dropped
}

func indented(line []byte) bool { return len(line) > 0 && (line[0] == ' ' || line[0] == '\t') }

// closedBy: the line is the end of what Node shows on several, such as an error
// with its cause.
func (r *record) isClosing(line []byte) bool {
	last := r.text[bytes.LastIndexByte(r.text, '\n')+1:]
	return (string(line) == "}" || string(line) == "]") && indented(last)
}

// finish logs the record that is held.
func (s *stream) finish() {
	if r := &s.record; r.held {
		text := string(r.text)
		if r.python {
			text = strings.TrimRight(text, "\n")
		}
		s.source.out = appendRecord(s.source.out, append(s.head(r.began), field{"message", text}))
		r.held = false
	}
}

func (s *stream) head(at time.Time) []field {
	fields := head(at, "info", s.source.id, s.name)
	if s.source.name != "" {
		fields = append(fields, field{"sidecar", s.source.name})
	}
	return fields
}

// A field is a key and its text.
type field struct{ key, text string }

// head is what all records begin with.
func head(at time.Time, level, id, stream string) []field {
	fields := []field{{"timestamp", at.UTC().Format(timeFormat)}, {"level", level}}
	if id != "" {
		fields = append(fields, field{"requestId", id})
	}
	return append(fields, field{"stream", stream})
}

func appendRecord(b []byte, fields []field) []byte {
	b = append(b, '{')
	b = appendFields(b, fields)
	return append(b, "}\n"...)
}

// appendMerged adds the fields that line, an object, lacks. It returns nil if
// line is none.
func appendMerged(b, line []byte, fields []field) []byte {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' {
		return nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(line, &object) != nil {
		return nil
	}
	fields = slices.DeleteFunc(fields, func(f field) bool {
		_, has := object[f.key]
		return has
	})
	b = appendFields(append(b, '{'), fields)
	if len(fields) > 0 && len(object) > 0 {
		b = append(b, ',')
	}
	b = append(b, strings.ToValidUTF8(string(line[1:]), "\uFFFD")...)
	return append(b, '\n')
}

func appendFields(b []byte, fields []field) []byte {
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, f.key)
		b = append(b, ':')
		b = appendText(b, f.text)
	}
	return b
}

// appendText adds a JSON string. Unlike package json it leaves < and > alone.
func appendText(b []byte, text string) []byte {
	b = append(b, '"')
	for _, r := range text { // what is no UTF-8 is U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < ' ':
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
