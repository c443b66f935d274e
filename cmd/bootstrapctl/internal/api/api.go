// Package api serves a local cloud at one port: the vendors' APIs, plain
// events, HTTP triggers, and below /_local/ calls that the clouds do not have.
package api

import (
	"net/http"
	"slices"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/api/aws"
	"bootstrap/cmd/bootstrapctl/internal/api/huawei"
	"bootstrap/cmd/bootstrapctl/internal/api/tencent"
	"bootstrap/cmd/bootstrapctl/internal/local"
)

// Options are the options of New.
type Options struct {
	Hosts       []string    // names that a request may ask for, besides localhost and addresses
	Certificate []byte      // PEM, for clients of HTTPS to trust
	Keys        []local.Key // keys that may sign calls of the vendors' APIs; none: signatures are not checked
}

// A vendor serves the requests of one vendor's API.
type vendor struct {
	handles func(r *http.Request) bool
	handler http.Handler
}

// certificatePath is where clients of HTTPS find the certificate.
const certificatePath = "/_local/certificate.pem"

// New returns a handler for all requests to the cloud.
func New(cloud *local.Cloud, o Options) http.Handler {
	s := &server{cloud: cloud, options: o}
	own := http.NewServeMux()
	own.HandleFunc("GET /_local/functions", s.list)
	own.HandleFunc("GET /_local/functions/{name}/invocations", s.invocations)
	own.HandleFunc("GET /_local/functions/{name}/invocations/{id}", s.invocation)
	own.HandleFunc("POST /_local/functions/{name}/timers/{timer}", s.fire)
	own.HandleFunc("GET "+certificatePath, s.certificate)
	s.own = own
	s.vendors = []vendor{
		{tencent.Handles, tencent.New(cloud, o.Keys...)},
		{huawei.Handles, huawei.New(cloud, o.Keys...)},
		{aws.Handles, aws.New(cloud, o.Keys...)},
	}
	return bounded(guard(o.Hosts, s.isVendors, http.HandlerFunc(s.route)))
}

type server struct {
	cloud   *local.Cloud
	options Options
	own     http.Handler
	vendors []vendor
}

// isVendors reports whether a request is for a vendor's API.
func (s *server) isVendors(r *http.Request) bool {
	return slices.ContainsFunc(s.vendors, func(v vendor) bool { return v.handles(r) })
}

// route passes a request to its handler. Its rules do not overlap.
func (s *server) route(w http.ResponseWriter, r *http.Request) {
	for _, v := range s.vendors {
		if v.handles(r) {
			v.handler.ServeHTTP(w, r)
			return
		}
	}
	switch {
	case !s.admits(r):
		askForKey(w)
	case strings.HasPrefix(r.URL.Path, "/_local/"):
		s.own.ServeHTTP(w, r)
	case r.URL.Path == "/" && r.Method == http.MethodPost:
		s.plain(w, r)
	default:
		if found := s.findRoute(r); found != nil {
			s.serveTrigger(w, r, found)
		} else if r.URL.Path == "/" {
			s.help(w)
		} else {
			http.NotFound(w, r)
		}
	}
}
