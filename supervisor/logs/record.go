package logs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"bootstrap/internal/jsontext"
)

// In the style JSON each record is an object on one line, with the keys
// timestamp (RFC 3339, UTC, with milliseconds), level, requestId (during an
// event), stream (stdout, stderr, or bootstrap for our own lines), sidecar (the
// name of a sidecar) and message. If a command logs a JSON object, the missing
// keys are added in front, except message.

const (
	ownStream  = "bootstrap"
	timeFormat = "2006-01-02T15:04:05.000Z"
)

// Lines that Python prints before a traceback, and between the tracebacks of an
// exception and its cause.
const (
	pythonTrace   = "Traceback (most recent call last):"
	pythonCause   = "The above exception was the direct cause of the following exception:"
	pythonContext = "During handling of the above exception, another exception occurred:"
)

// A record is a line and the lines that belong to it. It becomes one JSON object.
type record struct {
	held       bool
	began      time.Time
	text       []byte
	python     bool // it is a traceback
	wantsError bool // the line with the exception is still to come
	wantsTrace bool // another traceback is still to come
}

// group adds a line to the record that is held, or begins a new one.
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

// accept reports whether a line belongs to the record, as part of a stack trace.
// It notes which line of a traceback must follow.
func (r *record) accept(line []byte) bool {
	if indented(line) || bytes.HasPrefix(line, []byte("Caused by:")) || r.isClosing(line) {
		return true
	}
	return r.python && r.acceptPython(string(line))
}

// acceptPython does the same for a line of a traceback that is not indented.
func (r *record) acceptPython(line string) bool {
	switch {
	case r.wantsError: // the exception, which ends the traceback
		r.wantsError = false
		return true
	case line == pythonCause, line == pythonContext:
		r.wantsTrace = true
		return true
	case line == pythonTrace && r.wantsTrace:
		r.wantsError, r.wantsTrace = true, false
		return true
	}
	return line == "" // stands before pythonCause; finish drops it elsewhere
}

func indented(line []byte) bool { return len(line) > 0 && (line[0] == ' ' || line[0] == '\t') }

// isClosing reports whether a line closes an object or list that Node prints on
// several lines, such as an error with its cause.
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

// head returns the fields that all records begin with.
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

// appendMerged appends a line that is a JSON object, with the fields that it
// lacks. It returns nil if the line is not an object.
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
		b = jsontext.Append(b, f.key)
		b = append(b, ':')
		b = jsontext.Append(b, f.text)
	}
	return b
}
