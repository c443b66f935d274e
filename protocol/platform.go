package protocol

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Platform describes one vendor's runtime API as data for the client and the
// emulator. An empty path or name means that the platform does not have it.
type Platform struct {
	Name  string // the value of BOOTSTRAP_PLATFORM
	Title string // the name in messages

	// Address names the variables that hold the runtime API's address: one with
	// host:port, or one with the host and one with the port. If the first is set,
	// we are on this platform.
	Address []string

	// Paths of the calls, in which {id} is replaced by the request id.
	Ready     string // POST: initialisation is over
	Next      string // GET: the next event; blocks until there is one
	Response  string // POST: the result of an event
	Error     string // POST: the failure of an event
	InitError string // POST: initialisation failed

	// Calls of an extension. A platform that has these calls sends SIGTERM only to a
	// runtime that has registered an extension.
	Register      string   // POST: registers an extension
	ExtensionNext string   // GET: its next event; blocks until there is one
	ExtensionFail []string // POST: it fails to start, or exits with an error
	ExtensionName string   // header of Register with the extension's name
	ExtensionID   string   // header with its id, in the response to Register and in ExtensionNext

	FinalStatus bool // of Next: a status 4xx or 500 tells the runtime to exit

	ReadyBody string // body of Ready
	ErrorType string // header of Error and InitError with the failure's type

	// Headers of an event.
	RequestID    string // its id
	InvocationID string // identifies this attempt to serve it; the answer repeats it
	TimeLimit    string // its limit, a duration in ms
	Deadline     string // its limit, an instant in ms since 1970

	// Variables of the function.
	Timeout     string   // its limit in seconds
	Handler     string   // what to run
	CodeRoot    string   // the folder of the user's code
	Concurrency string   // how many events one instance may have at the same time
	Secrets     []string // variables that hold credentials

	Facts       []Fact // variables that every command gets
	Credentials []Fact // variables that a command gets only if the user asks for them

	StopLimit time.Duration // from SIGTERM to SIGKILL; 0 if not documented

	MaxEvent  int // bytes of an event, in a synchronous invocation
	MaxResult int // bytes of a result, in a synchronous invocation

	InitLimit time.Duration // time for initialisation
	InitType  string        // the variable that is "on-demand" where the platform kills the runtime silently after InitLimit; empty if none is documented

	Emulation
}

// An Emulation describes what only the emulator needs to know of a platform. It
// replaces ${…} in EventHeaders and Environment.
type Emulation struct {
	Accepted     int               // status of the response to an accepted answer
	Repeats      bool              // a second poll before the answer returns the same event, else it is refused
	AwaitsPoll   bool              // an event's time runs on after its answer, until the runtime asks for the next event
	TooLargeEnds bool              // a result that is too large fails its event, else the runtime may still post an error
	RestartsInit bool              // after InitLimit the platform restarts the initialisation, with the time of an event
	ResponseMode string            // header of Response, with the value "streaming" or absent
	Ping         string            // GET: answered with pong
	Unsupported  map[string]string // PUT: paths that are answered with this error type, as on a platform without them
	EventHeaders []string          // "Name: value"
	Environment  []string          // "NAME=value", as documented
}

// A Fact is a variable that a command gets under the same name on every platform.
// Its value comes from a header or a variable of the platform.
type Fact struct {
	Name     string // the variable that the command sees
	Header   string // the event's header with the value, or
	Variable string // the platform's variable with the value
}

// Platforms lists all supported platforms.
var Platforms = []*Platform{SCF, FunctionGraph, Lambda}

// SecretVariables returns the variables whose values must not be logged: the
// variables of every platform, because a function may use the keys of one platform
// on another.
func SecretVariables() (names []string) {
	for _, p := range Platforms {
		names = append(names, p.Secrets...)
	}
	return names
}

// Detect returns the platform that we run on. A name such as "scf" decides; without
// a name, exactly one platform's address variable must be set.
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
		return nil, fmt.Errorf("unknown platform %q: expected one of %s", name, list((*Platform).name))
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

// Endpoint returns the host:port of the runtime API, from the address variables.
func (p *Platform) Endpoint(getenv func(string) string) (string, error) {
	var parts []string
	for _, name := range p.Address {
		value := getenv(name)
		if value == "" {
			return "", fmt.Errorf("%s is not set: %s puts the address of its runtime API there", name, p.Title)
		}
		parts = append(parts, value)
	}
	names := p.Address
	if len(parts) == 1 {
		host, port, err := net.SplitHostPort(parts[0])
		if err != nil {
			return "", fmt.Errorf("%s is %q: expected host:port", p.Address[0], parts[0])
		}
		parts, names = []string{host, port}, []string{p.Address[0], p.Address[0]}
	}
	if strings.ContainsFunc(parts[0], notInHost) {
		return "", fmt.Errorf("%s is %q: expected a host without a path", names[0], getenv(names[0]))
	}
	if port, err := strconv.ParseUint(parts[1], 10, 16); err != nil || port == 0 {
		return "", fmt.Errorf("%s is %q: expected a port from 1 to 65535, and no path", names[1], getenv(names[1]))
	}
	return net.JoinHostPort(parts[0], parts[1]), nil
}

// notInID reports whether a character must not be in an id, which becomes part of
// a path and of a variable.
func notInID(r rune) bool { return r <= ' ' || r == 0x7f }

func notInHost(r rune) bool { return notInID(r) || strings.ContainsRune("/?#@", r) }

// NamesEvent reports whether an answer names its event, so that an instance can
// serve several events at the same time.
func (p *Platform) NamesEvent() bool { return strings.Contains(p.Response, "{id}") }

// Variables returns NAME=value for those facts that have a value. The header
// function reads the event's headers.
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

// path puts a request id into one of the platform's paths.
func path(pattern, id string) string {
	return strings.Replace(pattern, "{id}", url.PathEscape(id), 1)
}

// deadline returns when an event times out. It uses the instant or the duration in
// the event's headers, else the function's own limit (zero if there is none). It
// counts from arrival on the monotonic clock, so that a later jump of the wall clock
// changes nothing. It ignores an instant in the past, which must come from a clock
// that differs from ours.
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

// milliseconds reads a positive number from a header. It reports false if the header
// is missing or invalid.
func milliseconds(name string, header func(string) string) (int64, bool) {
	if name == "" {
		return 0, false
	}
	ms, err := strconv.ParseInt(header(name), 10, 64)
	const limit = int64(1<<63-1) / int64(time.Millisecond)
	return ms, err == nil && ms > 0 && ms <= limit
}

// EventLimit returns the time limit of an event if a variable sets it. 0 means that
// each event brings its limit.
func (p *Platform) EventLimit(getenv func(string) string) time.Duration {
	seconds, err := strconv.ParseUint(getenv(p.Timeout), 10, 31)
	if err != nil { // as if not set
		return 0
	}
	return time.Duration(seconds) * time.Second
}
