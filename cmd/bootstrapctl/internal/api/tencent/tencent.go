// Package tencent serves Tencent Cloud's API 3.0 for the functions of a local cloud, as
// the vendor's SDKs and its documents speak it (cloud.tencent.com/document/api/583/17234).
package tencent

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// version is the only version of the API.
const version = "2018-04-16"

// maxBody bounds a request in bytes. A package may have 20 MB as base64, and an
// event 6 MB, which is longer as a JSON string.
const maxBody = 32 << 20

// Handles reports whether a request is for this API.
func Handles(r *http.Request) bool {
	return r.URL.Path == "/" && r.Header.Get("X-TC-Action") != ""
}

// New returns a handler for the calls of the API. With keys, each call must be signed
// with one of them; without keys, signatures are not checked.
func New(cloud *local.Cloud, keys ...local.Key) http.Handler {
	return &server{cloud: cloud, keys: keys, now: time.Now, started: time.Now()}
}

type server struct {
	cloud   *local.Cloud
	keys    []local.Key
	now     func() time.Time
	started time.Time
}

// A call is a request for an action.
type call struct {
	*http.Request
	id   string // of the request
	body []byte
}

// ServeHTTP answers with status 200, whether the call succeeds or not: the SDKs take any
// other status for a failure of the network.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Request: r, id: local.NewID()}
	content, err := s.serve(w, c)
	if err != nil {
		content = struct{ Error *apiError }{asAPI(err)}
	}
	w.Header().Set("Content-Type", "application/json")
	if trace := r.Header.Get("X-TC-TraceId"); trace != "" {
		w.Header().Set("X-TC-TraceId", trace)
	}
	_, _ = w.Write(envelope(content, c.id)) // the caller may have hung up
}

// serve checks a call and carries it out.
func (s *server) serve(w http.ResponseWriter, c *call) (content any, err error) {
	if err := checkForm(c.Request); err != nil {
		return nil, err
	}
	if c.body, err = readBody(w, c.Request); err != nil {
		return nil, err
	}
	if err := s.checkSignature(c); err != nil {
		return nil, err
	}
	name := c.Header.Get("X-TC-Action")
	action, err := actionOf(name, c.Header.Get("X-TC-Version"))
	if err != nil {
		return nil, err
	}
	return action(s, c)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fail("RequestSizeLimitExceeded", "the request has more than %d bytes", maxBody)
	}
	if err != nil {
		return nil, fail("InvalidRequest", "cannot read the request: %v", err)
	}
	return body, nil
}

// envelope returns the body of an answer. The content is encoded as an object.
func envelope(content any, id string) []byte {
	object := encode(content)
	separator := ","
	if len(object) == len("{}") {
		separator = ""
	}
	var b bytes.Buffer
	b.WriteString(`{"Response":`)
	b.Write(object[:len(object)-1])
	b.WriteString(separator + `"RequestId":"` + id + `"}}`)
	return b.Bytes()
}

// encode returns JSON with the characters < > & as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // strings, numbers and lists of them: never fails
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
