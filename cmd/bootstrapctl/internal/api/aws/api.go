// Package aws is the API of AWS Lambda for the functions of a local.Cloud: AWS's SDKs,
// its command line and Terraform work with it. Facts: docs.aws.amazon.com/lambda/latest/api
// and what the SDKs send.
package aws

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// An API is the Lambda API of a cloud. Create it with New.
type API struct {
	cloud   *local.Cloud
	secrets map[string]string // of the keys, by their ids; empty: signatures are not checked
	now     func() time.Time
	linkKey []byte // signs links to the code of functions
	mux     *http.ServeMux

	mu    sync.Mutex
	notes map[*local.Function]notes
}

// New returns the API of a cloud. With keys it refuses requests that none of them has
// signed.
func New(cloud *local.Cloud, keys ...local.Key) *API {
	a := &API{cloud: cloud, secrets: map[string]string{}, now: time.Now, linkKey: random(32), mux: http.NewServeMux(), notes: map[*local.Function]notes{}}
	for _, k := range keys {
		a.secrets[k.ID] = k.Secret
	}
	for _, o := range operations {
		a.mux.HandleFunc(o.pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, o) })
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, other) })
	a.mux.HandleFunc("GET /2015-03-31/functions/{name}/code.zip", a.sendCode)
	return a
}

var datedPath = regexp.MustCompile(`^/20\d\d-\d\d-\d\d/`)

// Handles reports whether a request is for the Lambda API, whose paths begin with the
// date of their version.
func Handles(r *http.Request) bool { return datedPath.MatchString(r.URL.Path) }

// uncleanPath is of a path that the mux would redirect.
var uncleanPath = regexp.MustCompile(`//|/\.\.?(/|$)`)

// ServeHTTP answers a request for which Handles is true.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if uncleanPath.MatchString(r.URL.EscapedPath()) {
		a.serve(w, r, other)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// A call is a request for an operation.
type call struct {
	*API
	r      *http.Request
	header http.Header // of the answer
	id     string      // of the request
	region string
	body   []byte
}

// A reply is the answer to a call: a value to encode as JSON, or bytes to send as they
// are, or nil.
type reply struct {
	status int
	body   any
}

// serve answers a request for an operation.
func (a *API) serve(w http.ResponseWriter, r *http.Request, o operation) {
	c := &call{API: a, r: r, header: w.Header(), id: local.NewID(), region: regionOf(r)}
	c.header.Set("X-Amzn-Requestid", c.id)
	answer, err := c.perform(w, o)
	if r.Context().Err() != nil {
		return // nobody reads the answer
	}
	if err != nil {
		answer = failureOf(err).reply(c.header)
	}
	c.write(w, answer)
}

// perform reads and checks a request, and performs its operation.
func (c *call) perform(w http.ResponseWriter, o operation) (reply, error) {
	var err error
	c.body, err = io.ReadAll(http.MaxBytesReader(w, c.r.Body, int64(o.limit())))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return reply{}, requestTooLarge(o)
	case err != nil:
		return reply{}, badContent("cannot read the request: %v", err)
	}
	if err := c.authenticate(); err != nil {
		return reply{}, err
	}
	if err := c.checkType(o); err != nil {
		return reply{}, err
	}
	return o.perform(c)
}

// write sends an answer.
func (c *call) write(w http.ResponseWriter, answer reply) {
	c.header.Set("Content-Type", "application/json")
	content, raw := answer.body.([]byte)
	if !raw && answer.body != nil {
		content, _ = json.Marshal(answer.body) // strings, numbers and valid JSON: never fails
	}
	if answer.status != http.StatusNoContent {
		c.header.Set("Content-Length", fmt.Sprint(len(content)))
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(content) // an error: the caller is gone
}

// decode reads the body of a request, an object.
func (c *call) decode(into any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		return &failure{http.StatusBadRequest, "SerializationException", object{"Message": err.Error()}}
	}
	return nil
}

func uuid(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
