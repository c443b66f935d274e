package adapters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"bootstrap/internal/jsontext"
	"bootstrap/protocol"
	"bootstrap/supervisor/logs"
)

// Frames go between us and a worker: a line with a JSON object, the header,
// then as many bytes as its length says. docs/worker.md describes them.

// eventFrame returns the frame of an event, in parts. The first part also holds the
// beginning of the event, so that a small event takes one write.
func eventFrame(ev *protocol.Event, vars []string) [][]byte {
	b := make([]byte, 0, 512+min(len(ev.Body), firstPart))
	b = append(b, `{"id":`...)
	b = jsontext.Append(b, ev.ID)
	b = append(b, `,"length":`...)
	b = strconv.AppendInt(b, int64(len(ev.Body)), 10)
	for _, v := range vars {
		b = appendFact(b, v)
	}
	b = append(b, "}\n"...)
	if len(ev.Body) <= firstPart {
		return [][]byte{append(b, ev.Body...)}
	}
	return [][]byte{append(b, ev.Body[:firstPart]...), ev.Body[firstPart:]}
}

const firstPart = 32 << 10

// appendFact appends ,"name":"value" for the variable FUNCTION_NAME=value, or for
// TMPDIR. Values in milliseconds and megabytes become numbers. The frame has the id
// already.
func appendFact(b []byte, variable string) []byte {
	name, value, _ := strings.Cut(variable, "=")
	name, ok := strings.CutPrefix(name, "FUNCTION_")
	if !ok && name != "TMPDIR" || name == "REQUEST_ID" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, strings.ToLower(name)...)
	b = append(b, `":`...)
	if n, err := strconv.ParseUint(value, 10, 63); err == nil && (strings.HasSuffix(name, "_MS") || strings.HasSuffix(name, "_MB")) {
		return strconv.AppendUint(b, n, 10)
	}
	return jsontext.Append(b, value)
}

// A header is the first line of a worker's frame.
type header struct {
	ID     string
	Length int
	Ready  bool // of the first frame: the worker can take events
	Error  *struct {
		Type    string
		Message string
		Stack   []string
	}
}

// plain reads a header of the form {"id":"…","length":…}, which is what most workers
// write and needs no decoder. It reports whether the line has that form.
func (h *header) plain(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(`{"id":"`))
	id, length, found := bytes.Cut(rest, []byte(`","length":`))
	length, ends := bytes.CutSuffix(length, []byte("}"))
	n, err := strconv.ParseUint(string(length), 10, 31)
	if !ok || !found || !ends || err != nil || bytes.ContainsAny(id, `"\`) {
		return false
	}
	h.ID, h.Length = string(id), int(n)
	return true
}

// maxHeader is the maximum size of a header, which may hold an error and its stack.
const maxHeader = 256 << 10

// A frameError reports that a worker has written something other than a frame.
type frameError struct{ text string }

func (e *frameError) Error() string { return e.text }

// errAnswersClosed reports that a worker is alive and cannot answer any more.
var errAnswersClosed = errors.New("it closed descriptor 3")

// An inbox reads one frame of a worker.
type inbox struct {
	header
	line      []byte // the part of the header that has arrived
	body      result
	taken     int  // bytes of the body so far, including those beyond the limit
	hasHeader bool // the header is complete
	bad       bool // the input is not a frame; the rest is ignored
	stray     bool // bytes arrived after the frame
	closed    bool
	mask      *logs.Mask
}

func (in *inbox) complete() bool { return in.hasHeader && in.taken == in.Length }

// reset prepares for the next frame.
func (in *inbox) reset() {
	*in = inbox{line: in.line[:0], body: result{max: in.body.max}, stray: in.stray, closed: in.closed, mask: in.mask}
}

// Reserve returns the memory for the rest of a large body that has begun.
func (in *inbox) Reserve(size int) []byte {
	free := in.body.data[len(in.body.data):cap(in.body.data)]
	if !in.hasHeader || in.body.over > 0 || len(free) < size {
		return nil
	}
	return free
}

func (in *inbox) Commit(n int) error {
	in.taken += n
	return in.body.Commit(n)
}

func (in *inbox) Write(p []byte) (int, error) {
	n := len(p)
	if in.bad {
		return n, nil
	}
	if !in.hasHeader {
		var err error
		if p, err = in.readHeader(p); err != nil || !in.hasHeader {
			return n, err
		}
	}
	part := p[:min(len(p), in.Length-in.taken)]
	in.taken += len(part)
	_, _ = in.body.Write(part) // a body that is too large sets over, and the rest is skipped
	in.stray = in.stray || len(p) > len(part)
	return n, nil
}

func (in *inbox) readHeader(p []byte) (rest []byte, err error) {
	line, rest, ended := bytes.Cut(p, []byte("\n"))
	in.line = append(in.line, line...)
	switch {
	case len(in.line) > maxHeader, len(in.line) > 0 && in.line[0] != '{':
		return nil, in.garbage()
	case !ended:
		return nil, nil
	case !in.plain(in.line) && json.Unmarshal(in.line, &in.header) != nil, in.Length < 0:
		return nil, in.garbage()
	}
	in.hasHeader = true
	in.body.data = make([]byte, 0, min(in.Length, in.body.max))
	return rest, nil
}

func (in *inbox) garbage() error {
	in.bad = true
	return &frameError{"its answer is not a frame, but begins with " + excerpt(in.mask, in.line)}
}

// excerpt quotes the beginning of what a worker has written. It hides secrets first,
// as the cut may be within one.
func excerpt(mask *logs.Mask, said []byte) string {
	return fmt.Sprintf("%.100q", mask.HideHead(string(said)))
}

// Close notes that the worker has closed its answers.
func (in *inbox) Close() error {
	in.closed = true
	if in.complete() {
		return nil
	}
	return errAnswersClosed
}

// partial describes an incomplete answer. It is empty if there is none.
func (in *inbox) partial() string {
	switch {
	case in.complete():
		return ""
	case in.hasHeader:
		return fmt.Sprintf("%d of the %d bytes of its answer", in.taken, in.Length)
	case len(in.line) > 0:
		return fmt.Sprintf("%d bytes of the first line of its answer", len(in.line))
	}
	return ""
}
