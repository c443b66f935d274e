package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// An event is a response to next, prepared in advance. Only the end of its request id
// changes.
type event struct {
	message []byte
	id      []byte // the digits at the end of the id, in message
	token   []byte // those of a token; nil: it has none, or always the same
	body    []byte // in message
}

// newTokenEvent returns an event of FunctionGraph with credentials. With new, the
// token differs for each event.
func newTokenEvent(new bool) *event {
	e := newEvent(small)
	token := strings.Repeat("MIIGabcdefghijklmnopqrstuvwxyz0123456789+/ABCDEFGHIJ", 20)[:1024-len(e.id)]
	head := "X-Cff-Request-Id: 5b30a3f2-0c1e-4ab1-9d57-000000000000\r\nX-Cff-Invoke-Type: sync\r\nX-Cff-Security-Token: " + token
	at := len("HTTP/1.1 200 OK\r\n")
	e.message = slices.Concat(e.message[:at], []byte(head), []byte("000000000000\r\n"), e.message[at:])
	digits := at + strings.Index(head, "\r\n")
	e.id = e.message[digits-12 : digits]
	e.body = e.message[len(e.message)-len(e.body):]
	if end := at + len(head); new {
		e.token = e.message[end : end+12]
	}
	return e
}

// newEvent returns an event of size bytes: a JSON object in the form in which
// encoders write it, so that decoding and encoding do not change it.
func newEvent(size int) *event {
	const start, end = `{"id":1234567,"tags":["a","b"],"text":"`, `"}`
	pad := size - len(start) - len(end)
	body := start + strings.Repeat("lorem ipsum dolor sit amet ", pad/27+1)[:pad] + end
	const id = "5b30a3f2-0c1e-4ab1-9d57-000000000000"
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRequest_Id: " + id + "\r\n" +
		"Memory_Limit_In_Mb: 128\r\nTime_Limit_In_Ms: 60000\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", size)
	e := &event{message: []byte(head + body)}
	digits := strings.Index(head, id) + len(id)
	e.id, e.body = e.message[digits-12:digits], e.message[len(head):]
	return e
}

// renew gives the event its next id.
func (e *event) renew() {
	for i := len(e.id) - 1; ; i-- {
		if e.id[i]++; e.id[i] <= '9' {
			copy(e.token, e.id)
			return
		}
		e.id[i] = '0'
	}
}

// echoed reports whether a result is the event, apart from spaces that a JSON encoder
// may have added.
func (e *event) echoed(result []byte) bool {
	if bytes.Equal(result, e.body) {
		return true
	}
	var compact bytes.Buffer
	return json.Compact(&compact, result) == nil && bytes.Equal(compact.Bytes(), e.body)
}
