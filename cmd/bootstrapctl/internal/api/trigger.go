package api

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
	"bootstrap/protocol/gateway"
)

// gatewayPath is the prefix of the paths below which every function gets HTTP requests:
// /apigw/NAME/…
const gatewayPath = "/apigw/"

// gateways holds the default gateway of each platform.
var gateways = map[string]*gateway.Gateway{
	protocol.SCF.Name:           gateway.SCF,
	protocol.FunctionGraph.Name: gateway.FunctionGraph,
	protocol.Lambda.Name:        gateway.AWSv2,
}

// stages holds the stage of each default gateway.
var stages = map[string]string{protocol.SCF.Name: "release", protocol.FunctionGraph.Name: "RELEASE", protocol.Lambda.Name: "$default"}

// A route is the function, the trigger and the path that a request is for.
type route struct {
	function *local.Function
	trigger  local.Trigger
	path     string // below the stage, still escaped
	params   map[string]string
}

// findRoute returns the route of a request, or nil. A path below /apigw/ names the
// function; any other path must be the path of a trigger. Without a trigger, SCF's
// gateway passes answers through, as it does by default in the cloud.
func (s *server) findRoute(r *http.Request) *route {
	path := r.URL.EscapedPath()
	if rest, ok := strings.CutPrefix(path, gatewayPath); ok {
		name, rest, _ := strings.Cut(rest, "/")
		f, err := s.only(name)
		if err != nil || name == "" {
			return nil
		}
		if found := narrowest(matches(f, r.Method, "/"+rest)); found != nil {
			return found
		}
		p := f.Platform()
		return &route{f, local.Trigger{Integrated: p != protocol.SCF, Stage: stages[p.Name]}, "/" + rest, nil}
	}
	var all []*route
	for _, f := range s.cloud.Functions(nil) {
		all = append(all, matches(f, r.Method, path)...)
	}
	return narrowest(slices.DeleteFunc(all, func(ro *route) bool { return ro.trigger.Path == anyPath }))
}

// anyPath is the path of a trigger that takes all requests below /apigw/NAME/.
const anyPath = "$default"

// matches returns the routes of the function's triggers for a method and a path. The
// path may begin with the trigger's stage.
func matches(f *local.Function, method, path string) (all []*route) {
	for _, t := range f.Describe().Triggers {
		if t.Kind != "http" || !t.Enabled || t.Method != "ANY" && t.Method != "" && !strings.EqualFold(t.Method, method) {
			continue
		}
		below := path
		if stage, ok := strings.CutPrefix(path, "/"+t.Stage); ok && t.Stage != "" && (stage == "" || stage[0] == '/') {
			below = cmp.Or(stage, "/")
		}
		if params, ok := matchPath(t.Path, below); ok {
			all = append(all, &route{f, t, below, params})
		}
	}
	return all
}

// narrowest returns the route that a gateway takes if several match: the most specific
// one, in whatever order the triggers were made. It returns nil if there is no route.
func narrowest(routes []*route) *route {
	if len(routes) == 0 {
		return nil
	}
	return slices.MinFunc(routes, func(a, b *route) int { return slices.Compare(ranks(a.trigger), ranks(b.trigger)) })
}

// ranks returns a rank for each segment of a trigger's path, and one for its method. A
// lower rank is more specific.
func ranks(t local.Trigger) (all []int) {
	for part := range strings.SplitSeq(strings.Trim(t.Path, "/"), "/") {
		switch {
		case part == anyPath:
			all = append(all, 3)
		case strings.HasSuffix(part, "+}"):
			all = append(all, 2)
		case strings.HasPrefix(part, "{"):
			all = append(all, 1)
		default:
			all = append(all, 0)
		}
	}
	if t.Method == "ANY" || t.Method == "" {
		return append(all, 1)
	}
	return append(all, 0)
}

// matchPath matches a path with a pattern such as /pets/{id} or /files/{proxy+}, and
// returns the values. {proxy+} takes at least one segment.
func matchPath(pattern, path string) (params map[string]string, ok bool) {
	if pattern == anyPath {
		return nil, true
	}
	want, have := strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range want {
		name, isParam := strings.CutPrefix(part, "{")
		name = strings.TrimSuffix(name, "}")
		switch {
		case i >= len(have):
			return nil, false
		case isParam && strings.HasSuffix(name, "+") && have[i] != "":
			return with(params, strings.TrimSuffix(name, "+"), strings.Join(have[i:], "/")), true
		case isParam && have[i] != "":
			params = with(params, name, have[i])
		case part != have[i]:
			return nil, false
		}
	}
	return params, len(want) == len(have)
}

func with(params map[string]string, name, value string) map[string]string {
	if params == nil {
		params = map[string]string{}
	}
	params[name] = value
	return params
}

// gateway returns the trigger's gateway.
func (ro *route) gateway() *gateway.Gateway {
	g := gateway.Named(ro.trigger.Gateway)
	if g == nil {
		g = gateways[ro.function.Platform().Name]
	}
	if ro.trigger.Base64 {
		g = g.WithBase64()
	}
	return g
}

// serveTrigger converts a request to an event, and the answer to an HTTP
// response.
func (s *server) serveTrigger(w http.ResponseWriter, r *http.Request, ro *route) {
	g := ro.gateway()
	limit := local.LimitsOf(ro.function.Platform()).Event
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		http.Error(w, "cannot read the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	event, err := g.Event(ro.request(r, body))
	if err != nil {
		http.Error(w, fmt.Sprintf("%s cannot make an event of the request: %v", g.Title, err), http.StatusBadRequest)
		return
	}
	inv, err := ro.function.Invoke(r.Context(), local.Call{Body: event, Via: r.Method + " " + r.URL.Path})
	if err != nil {
		http.Error(w, err.Error(), StatusOf(err))
		return
	}
	send(w, r, ro.response(g, inv))
}

// request returns a request in the form that the gateway got.
func (ro *route) request(r *http.Request, body []byte) *gateway.Request {
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	route := ro.trigger.Path
	if route == anyPath {
		route = ""
	}
	return &gateway.Request{
		Method: r.Method, Path: ro.path, RawQuery: r.URL.RawQuery, Header: textproto.MIMEHeader(r.Header), Body: body,
		Host: r.Host, ClientIP: client, RequestID: local.NewID(), Time: time.Now(),
		Stage: ro.trigger.Stage, Route: route, RouteMethod: cmp.Or(ro.trigger.Method, "ANY"), PathParameters: ro.params,
	}
}

// response returns the response of the gateway to an invocation.
func (ro *route) response(g *gateway.Gateway, inv *local.Invocation) *gateway.Response {
	answer := inv.Outcome.Body
	if inv.Fault != nil {
		answer = inv.Fault.Body(inv.ID)
		if r := failed(g, inv.Fault, answer); r != nil {
			return r
		}
	}
	response, err := g.Response(answer, !ro.trigger.Integrated)
	var refused *gateway.AnswerError
	if errors.As(err, &refused) {
		return refused.Response
	}
	return response
}

// failed returns the gateway's response to a failure, or nil if the gateway
// treats the failure as an ordinary answer. SCF uses the status of its error.
func failed(g *gateway.Gateway, fault *local.Fault, body []byte) *gateway.Response {
	header := textproto.MIMEHeader{"Content-Type": {"application/json"}}
	switch g.Platform {
	case protocol.SCF.Name:
		status, err := strconv.Atoi(fault.Code)
		if err != nil {
			status = http.StatusInternalServerError
		}
		return &gateway.Response{Status: status, Header: header, Body: body}
	case protocol.Lambda.Name:
		if g.Name == gateway.AWSv2.Name {
			return &gateway.Response{Status: http.StatusInternalServerError, Header: header, Body: []byte(`{"message":"Internal Server Error"}`)}
		}
		return &gateway.Response{Status: http.StatusBadGateway, Header: header, Body: []byte(`{"message": "Internal server error"}`)}
	}
	return nil
}

// send writes a response. The server itself adds the length, and drops the body of an
// answer to HEAD.
func send(w http.ResponseWriter, _ *http.Request, response *gateway.Response) {
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.Status)
	_, _ = w.Write(response.Body) // the caller may have hung up, or the status has no body
}
