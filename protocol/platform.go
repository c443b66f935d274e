package protocol

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Platform describes one vendor's runtime API. It is data: the client and
// the emulator both interpret it. A path or name that is empty does not exist
// on that platform.
type Platform struct {
	Name  string // as in BOOTSTRAP_PLATFORM
	Title string // for people

	// Address names the variables that hold the runtime API's address: one
	// with host:port, or one with the host and one with the port. That the
	// first is set tells that we are on this platform.
	Address []string

	// Paths of the calls; {id} stands for the request id.
	Ready     string // POST: initialisation is over
	Next      string // GET: the next event, as long as it takes
	Response  string // POST: the result of an event
	Error     string // POST: the failure of an event
	InitError string // POST: initialisation failed

	// Calls of an extension. Where there are any, only a runtime that has
	// registered one is told to stop before it is killed.
	Register      string   // POST: an extension is there
	ExtensionNext string   // GET: its next event, as long as it takes
	ExtensionFail []string // POST: its start failed, and it exits
	ExtensionName string   // header of Register with the extension's name
	ExtensionID   string   // header of what Register brings, and of ExtensionNext, with its id

	ReadyBody string // what Ready posts
	ErrorType string // header of Error and InitError with the failure's type

	// Headers of an event.
	RequestID string // its id
	TimeLimit string // its limit, a duration in ms
	Deadline  string // its limit, an instant in ms since 1970

	// Variables of the function.
	Timeout     string   // its limit in seconds
	Handler     string   // what to run
	CodeRoot    string   // the folder of the user's code
	Concurrency string   // how many events one instance may have at the same time
	Secrets     []string // those that hold credentials

	Facts       []Fact // what a command gets to know of its event
	Credentials []Fact // the same, only when the user asks for it

	StopLimit time.Duration // from SIGTERM to SIGKILL; 0: not documented

	MaxEvent  int // bytes of an event, in a synchronous invocation
	MaxResult int // bytes of a result, in a synchronous invocation

	// What only the emulator needs, with ${…} for what it fills in.
	Accepted     int               // status for an answer that was taken
	Repeats      bool              // asking again before the answer brings the same event; else it is refused
	AwaitsPoll   bool              // an answered event is over when the runtime asks for the next one, and its time runs until then
	TooLargeEnds bool              // a result that is too large is the failure of its event; else an error may follow
	InitLimit    time.Duration     // time to get ready
	InitType     string            // the variable that is "on-demand" where InitLimit ends us without a word; "": none is documented
	RestartsInit bool              // a start that takes longer than InitLimit begins again, and may take as long as an event
	ResponseMode string            // header of Response, which is "streaming" if it is there
	Ping         string            // GET: pong
	Unsupported  map[string]string // PUT: calls that are answered with this error type, as by a platform that has them switched off
	EventHeaders []string          // "Name: value"
	Environment  []string          // "NAME=value", as documented
}

// A Fact is something that a command gets to know under the same name on
// every platform, wherever the platform puts it.
type Fact struct {
	Name     string // the variable that the command sees
	Header   string // the event's header with the value, or
	Variable string // the platform's variable with the value
}

// Platforms lists all that we know.
var Platforms = []*Platform{SCF, FunctionGraph, Lambda}

// SecretVariables are the variables whose values must not show: those of every
// platform, as the keys of one may be used on another.
func SecretVariables() (names []string) {
	for _, p := range Platforms {
		names = append(names, p.Secrets...)
	}
	return names
}

// Detect finds the platform that we run on by its address variable. A name
// ("scf", …) decides instead, so that two addresses do not confuse.
func Detect(name string, getenv func(string) string) (*Platform, error) {
	var found []*Platform
	for _, p := range Platforms {
		if name == "" && getenv(p.Address[0]) != "" || name == p.Name {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case name != "":
		return nil, fmt.Errorf("unknown platform %q: it is one of %s", name, list((*Platform).name))
	case len(found) == 0:
		return nil, fmt.Errorf("not on a platform: none of %s is set", list((*Platform).address))
	default:
		return nil, fmt.Errorf("on more than one platform: %s and %s are both set; set BOOTSTRAP_PLATFORM to one of %s",
			found[0].address(), found[1].address(), list((*Platform).name))
	}
}

func (p *Platform) name() string    { return p.Name }
func (p *Platform) address() string { return p.Address[0] }

func list(field func(*Platform) string) string {
	var names []string
	for _, p := range Platforms {
		names = append(names, field(p))
	}
	return strings.Join(names, ", ")
}

// Endpoint is the host:port of the runtime API, from the address variables.
func (p *Platform) Endpoint(getenv func(string) string) (string, error) {
	var parts []string
	for _, name := range p.Address {
		value := getenv(name)
		if value == "" {
			return "", fmt.Errorf("%s is not set: %s puts the address of its runtime API there", name, p.Title)
		}
		parts = append(parts, value)
	}
	if len(parts) == 2 {
		return net.JoinHostPort(parts[0], parts[1]), nil
	}
	if _, _, err := net.SplitHostPort(parts[0]); err != nil {
		return "", fmt.Errorf("%s is %q: want host:port", p.Address[0], parts[0])
	}
	return parts[0], nil
}

// NamesEvent: an answer says which event it is for, so that an instance may have
// more than one in hand.
func (p *Platform) NamesEvent() bool { return strings.Contains(p.Response, "{id}") }

// Variables are NAME=value for those facts whose value is known; header is
// that of the event.
func Variables(facts []Fact, header func(string) string, getenv func(string) string) []string {
	var vars []string
	for _, f := range facts {
		value := ""
		if f.Header != "" {
			value = header(f.Header)
		}
		if f.Variable != "" && value == "" {
			value = getenv(f.Variable)
		}
		if value != "" {
			vars = append(vars, f.Name+"="+value)
		}
	}
	return vars
}

// path fills a request id into one of the platform's paths.
func path(pattern, id string) string {
	return strings.Replace(pattern, "{id}", url.PathEscape(id), 1)
}

// deadline says until when an event that arrived just now may run: by the
// instant or the duration among its headers, else by the function's own limit
// (zero: none). It is counted from arrival on the monotonic clock, so that a
// later jump of the wall clock moves nothing. An instant that is over on arrival
// is by another clock than ours, and says nothing.
func (p *Platform) deadline(header func(string) string, arrived time.Time, limit time.Duration) time.Time {
	if ms, ok := milliseconds(p.Deadline, header); ok {
		if left := time.UnixMilli(ms).Sub(arrived); left > 0 {
			return arrived.Add(left)
		}
	}
	if ms, ok := milliseconds(p.TimeLimit, header); ok {
		limit = time.Duration(ms) * time.Millisecond
	}
	if limit <= 0 {
		return time.Time{}
	}
	return arrived.Add(limit)
}

// milliseconds reads a positive count from a header; one that is missing or
// odd is as good as none.
func milliseconds(name string, header func(string) string) (int64, bool) {
	if name == "" {
		return 0, false
	}
	ms, err := strconv.ParseInt(header(name), 10, 64)
	const limit = int64(1<<63-1) / int64(time.Millisecond)
	return ms, err == nil && ms > 0 && ms <= limit
}
