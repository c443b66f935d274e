// Package gateway converts HTTP requests to the events of the vendors' gateways, and
// the answers of functions to HTTP responses, and both back. Each gateway is a table;
// the code that reads the tables is the same for all.
package gateway

import (
	"encoding/json"
	"slices"
)

// A Gateway describes how one gateway writes a request as an event, and how it reads
// the answer of a function. Keys are paths into the event, such as
// "requestContext.stage". A field that the gateway does not send has no key.
type Gateway struct {
	Name     string // for flags and files
	Title    string // for people
	Platform string // the name of its platform in package protocol

	// An event comes from this gateway if it has a value for each key in has and for
	// at least one in oneOf, none for the keys in lacks, and the version. An empty
	// condition holds.
	has, oneOf, lacks []string
	version           string

	// Event writes a text under each of these keys. Request reads the first that
	// is there.
	method, path, route, id, stage, client, host, userAgent []string

	clock  []string // keys of the time in the form of access logs
	epoch  []string // keys of the time in milliseconds since 1970
	params string   // the key of the path parameters

	clientHeader string // the header that holds the client's address, if no key does
	staged       bool   // the path begins with the stage, unless that is $default
	routeKey     bool   // the route is "GET /pets/{id}", "ANY /pets" or $default

	query   values
	header  values
	cookies string // the key of a list of cookies, which are not among the headers
	body    bodyStyle
	none    json.RawMessage // the value of an object that would be empty; nil if its key is left out
	fixed   map[string]any  // keys and values that are the same in each event

	answer envelope
}

// A bodyStyle describes the body of an event.
type bodyStyle struct {
	base64 bool            // each body is encoded, not only one that is not text
	plain  bool            // isBase64Encoded is there only if it is true
	empty  json.RawMessage // an empty body; nil if the key is left out
}

// All lists the gateways. An event belongs to the first whose keys it has.
var All = []*Gateway{AWSv1, AWSv2, ALBMulti, ALB, SCF, SCFURL, FunctionGraph}

// Named returns the gateway of that name, or nil.
func Named(name string) *Gateway {
	i := slices.IndexFunc(All, func(g *Gateway) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	return All[i]
}

// Names returns the names of all gateways.
func Names() (names []string) {
	for _, g := range All {
		names = append(names, g.Name)
	}
	return names
}

// WithBase64 returns the gateway with the setting that encodes each body of a request.
func (g *Gateway) WithBase64() *Gateway {
	changed := *g
	changed.body.base64 = true
	return &changed
}

// Find returns the gateway of a platform that has sent the event, or nil if the event
// is not an HTTP request. An empty platform means any.
func Find(platform string, event []byte) *Gateway {
	e, err := parseObject(event)
	if err != nil {
		return nil
	}
	for _, g := range All {
		if (platform == "" || platform == g.Platform) && g.sent(e) {
			return g
		}
	}
	return nil
}

// sent reports whether the gateway has sent the event.
func (g *Gateway) sent(e object) bool {
	there := func(key string) bool { return e.get(key) != nil }
	missing := func(key string) bool { return !there(key) }
	version, _ := e.get("version").(string)
	return !slices.ContainsFunc(g.has, missing) && !slices.ContainsFunc(g.lacks, there) &&
		(len(g.oneOf) == 0 || slices.ContainsFunc(g.oneOf, there)) && (g.version == "" || g.version == version)
}
