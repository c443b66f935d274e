// Package huawei serves Huawei Cloud's FunctionGraph API v2 for the functions of a
// local.Cloud, and the calls that the vendor's SDKs make to its IAM. The calls,
// fields and errors follow support.huaweicloud.com/api-functiongraph.
package huawei

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// region is the region in the URNs of functions and the name of their project. A URN with
// another region means the same function.
const region = "cn-north-4"

// An api serves the calls.
type api struct {
	cloud *local.Cloud
	keys  map[string]string // secrets by ID; empty: nothing is checked
	now   func() time.Time
	calls *http.ServeMux
}

// New returns the API of the FunctionGraph functions in a cloud. With keys, each request
// must be signed with one of them.
func New(cloud *local.Cloud, keys ...local.Key) http.Handler {
	a := &api{cloud: cloud, keys: map[string]string{}, now: time.Now, calls: http.NewServeMux()}
	for _, k := range keys {
		a.keys[k.ID] = k.Secret
	}
	a.addCalls()
	return a
}

// Handles reports whether a request is for this API.
func Handles(r *http.Request) bool {
	path := r.URL.Path
	part := strings.Split(path, "/") // "", "v2", project, "fgs" or "functions", …
	switch {
	case path == projectsPath || path == domainsPath:
		return true
	case len(part) < 5 || part[1] != "v2":
		return false
	}
	return part[3] == "fgs" || part[3] == "functions" && len(part) > 5 && part[5] == "tags"
}

// addCalls lists the calls.
func (a *api) addCalls() {
	const (
		functions = " /v2/{project}/fgs/functions"
		one       = functions + "/{urn}"
		triggers  = " /v2/{project}/fgs/triggers/{urn}"
	)
	for pattern, serve := range map[string]call{
		"POST" + functions:                       a.create,
		"GET" + functions:                        a.list,
		"DELETE" + one:                           a.delete,
		"GET" + one + "/config":                  a.function(a.describe),
		"PUT" + one + "/config":                  a.function(a.configure),
		"PUT" + one + "/config-max-instance":     a.function(a.limitInstances),
		"GET" + one + "/code":                    a.function(a.describeCode),
		"PUT" + one + "/code":                    a.function(a.setCode),
		"POST" + one + "/invocations":            a.function(a.invoke),
		"POST" + one + "/invocations-async":      a.function(a.enqueue),
		"GET" + one + "/async-invocations":       a.function(a.listAsync),
		"GET" + one + "/versions":                a.function(a.listVersions),
		"GET" + one + "/lts-log-detail":          a.function(a.describeLog),
		"GET /v2/{project}/functions/{urn}/tags": a.function(a.listTags),

		"GET" + functions + "/reservedinstanceconfigs": a.listReserved,

		"GET" + triggers:                     a.function(a.listTriggers),
		"POST" + triggers:                    a.function(a.createTrigger),
		"GET" + triggers + "/{type}/{id}":    a.function(a.describeTrigger),
		"DELETE" + triggers + "/{type}/{id}": a.function(a.deleteTrigger),

		"GET " + projectsPath: a.listProjects,
		"GET " + domainsPath:  a.listDomains,

		"/": unknown,
	} {
		a.calls.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(w, r); err != nil {
				refuse(w, err)
			}
		})
	}
}

// A call answers a request, or returns an error.
type call func(w http.ResponseWriter, r *http.Request) error

func unknown(_ http.ResponseWriter, r *http.Request) error {
	return errNoResource.because("The local platform does not have the call %s %s.", r.Method, r.URL.Path)
}

// function returns a call for the function that the path names.
func (a *api) function(serve func(w http.ResponseWriter, r *http.Request, f *local.Function) error) call {
	return func(w http.ResponseWriter, r *http.Request) error {
		name, err := nameIn(r.PathValue("urn"))
		if err != nil {
			return err
		}
		f, err := a.cloud.Function(protocol.FunctionGraph, name)
		if err != nil {
			return err
		}
		return serve(w, r, f)
	}
}

// ServeHTTP answers a request.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Request-Id", newID())
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody(r)))
	if err == nil {
		err = a.authenticate(r, body)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	a.calls.ServeHTTP(w, r)
}

// maxBody returns how many bytes a request may have.
func maxBody(r *http.Request) int64 {
	if strings.HasSuffix(r.URL.Path, "/invocations") || strings.HasSuffix(r.URL.Path, "/invocations-async") {
		return int64(local.LimitsOf(protocol.FunctionGraph).Event) + 1 // which is too large
	}
	return int64(base64Length(maxZip)) + 1<<20
}

// decode reads the JSON in the body of a request.
func decode(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var wrong *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, into); {
	case errors.As(err, &wrong):
		return errParameter.because("%s cannot be a JSON %s.", wrong.Field, wrong.Value)
	case err != nil:
		return errNotJSON.because("%v.", err)
	}
	return nil
}

// answer sends a value as JSON.
func answer(w http.ResponseWriter, status int, value any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // the caller may be gone
	return nil
}

// newID returns a random request id in the form of the vendor's gateway.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
