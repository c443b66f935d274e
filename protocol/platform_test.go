package protocol

import (
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/http1"
)

// variables maps the names of an environment to values.
type variables map[string]string

func (v variables) get(name string) string { return v[name] }

func TestDetect(t *testing.T) {
	tests := []struct {
		name string
		hand string // BOOTSTRAP_PLATFORM
		env  variables
		want *Platform
		says []string // of an error
	}{
		{"scf", "", variables{"SCF_RUNTIME_API": "h", "SCF_RUNTIME_API_PORT": "1"}, SCF, nil},
		{"functiongraph", "", variables{"RUNTIME_API_ADDR": "h:1"}, FunctionGraph, nil},
		{"lambda", "", variables{"AWS_LAMBDA_RUNTIME_API": "h:1"}, Lambda, nil},
		{"none", "", variables{"PATH": "/bin"}, nil, []string{"SCF_RUNTIME_API", "RUNTIME_API_ADDR", "AWS_LAMBDA_RUNTIME_API"}},
		{"an empty one", "", variables{"AWS_LAMBDA_RUNTIME_API": ""}, nil, []string{"AWS_LAMBDA_RUNTIME_API"}},
		{"only the port", "", variables{"SCF_RUNTIME_API_PORT": "1"}, nil, []string{"SCF_RUNTIME_API"}},
		{"two", "", variables{"RUNTIME_API_ADDR": "h:1", "AWS_LAMBDA_RUNTIME_API": "h:1"}, nil,
			[]string{"RUNTIME_API_ADDR", "AWS_LAMBDA_RUNTIME_API", "BOOTSTRAP_PLATFORM", "lambda"}},
		{"two, by hand", "lambda", variables{"RUNTIME_API_ADDR": "h:1", "AWS_LAMBDA_RUNTIME_API": "h:1"}, Lambda, nil},
		{"none, by hand", "scf", nil, SCF, nil},
		{"unknown", "azure", variables{"RUNTIME_API_ADDR": "h:1"}, nil, []string{`"azure"`, "scf, functiongraph, lambda"}},
		{"a name is as it is", "SCF", nil, nil, []string{`"SCF"`, "scf"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Detect(test.hand, test.env.get)
			if got != test.want || (err == nil) != (test.want != nil) {
				t.Fatalf("got %v, error %v, want %v", got, err, test.want)
			}
			says(t, err, test.says...)
		})
	}
}

// says checks that the error's message contains these words.
func says(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got error %v, want it to say %s", err, word)
		}
	}
}

func TestEndpoint(t *testing.T) {
	tests := []struct {
		name string
		p    *Platform
		env  variables
		want string
		says []string
	}{
		{"host and port", SCF, variables{"SCF_RUNTIME_API": "127.0.0.1", "SCF_RUNTIME_API_PORT": "9001"}, "127.0.0.1:9001", nil},
		{"IPv6 host and port", SCF, variables{"SCF_RUNTIME_API": "::1", "SCF_RUNTIME_API_PORT": "9001"}, "[::1]:9001", nil},
		{"no port", SCF, variables{"SCF_RUNTIME_API": "127.0.0.1"}, "", []string{"SCF_RUNTIME_API_PORT", "Tencent SCF"}},
		{"no host", SCF, variables{"SCF_RUNTIME_API_PORT": "9001"}, "", []string{"SCF_RUNTIME_API ", "Tencent SCF"}},
		{"both in one", FunctionGraph, variables{"RUNTIME_API_ADDR": "10.0.0.1:80"}, "10.0.0.1:80", nil},
		{"both in one, IPv6", Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "[::1]:80"}, "[::1]:80", nil},
		{"nothing", Lambda, nil, "", []string{"AWS_LAMBDA_RUNTIME_API", "AWS Lambda"}},
		{"host alone", Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "localhost"}, "", []string{"AWS_LAMBDA_RUNTIME_API", `"localhost"`, "host:port"}},
		{"a path", Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001/path"}, "", []string{`AWS_LAMBDA_RUNTIME_API is "127.0.0.1:9001/path"`, "no path"}},
		{"a path without a port", Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1/a:9001"}, "", []string{"without a path"}},
		{"port 0", Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:0"}, "", []string{"from 1 to 65535"}},
		{"a large port", Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:65536"}, "", []string{"from 1 to 65535"}},
		{"a negative port", Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:-1"}, "", []string{"from 1 to 65535"}},
		{"no number", SCF, variables{"SCF_RUNTIME_API": "127.0.0.1", "SCF_RUNTIME_API_PORT": "http"}, "", []string{`SCF_RUNTIME_API_PORT is "http"`}},
		{"a port with a path", SCF, variables{"SCF_RUNTIME_API": "127.0.0.1", "SCF_RUNTIME_API_PORT": "80/x"}, "", []string{`SCF_RUNTIME_API_PORT is "80/x"`}},
		{"a host that is a URL", SCF, variables{"SCF_RUNTIME_API": "http://h", "SCF_RUNTIME_API_PORT": "80"}, "", []string{`SCF_RUNTIME_API is "http://h"`}},
		{"URL", FunctionGraph, variables{"RUNTIME_API_ADDR": "http://h:1"}, "", []string{"RUNTIME_API_ADDR", `"http://h:1"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.p.Endpoint(test.env.get)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, error %v, want %q", got, err, test.want)
			}
			says(t, err, test.says...)
			if _, clientErr := NewClient(test.p, test.env.get); (clientErr == nil) != (err == nil) {
				t.Errorf("NewClient: got error %v, want that of Endpoint", clientErr)
			}
		})
	}
}

// A limit is read from each of its three sources, and odd values are ignored. The
// same function has the same limit on every platform.
func TestDeadline(t *testing.T) {
	const none = 0
	arrived := time.Now()
	scf := func(ms string) (*Platform, variables, string) { return SCF, nil, "Time_Limit_In_Ms: " + ms }
	functionGraph := func(s string) (*Platform, variables, string) {
		return FunctionGraph, variables{"RUNTIME_TIMEOUT": s}, "X-Other: 1"
	}
	tests := []struct {
		name  string
		how   func(string) (*Platform, variables, string)
		value string
		want  time.Duration
	}{
		{"scf", scf, "3000", 3 * time.Second},
		{"scf, a day", scf, "86400000", 24 * time.Hour},
		{"scf, empty", scf, "", none},
		{"scf, 0", scf, "0", none},
		{"scf, negative", scf, "-1", none},
		{"scf, text", scf, "soon", none},
		{"scf, with a unit", scf, "3s", none},
		{"scf, a fraction", scf, "2.5", none},
		{"scf, huge", scf, "9223372036854775807", none},
		{"scf, beyond numbers", scf, strings.Repeat("9", 30), none},
		{"functiongraph", functionGraph, "3", 3 * time.Second},
		{"functiongraph, three days", functionGraph, "259200", 72 * time.Hour},
		{"functiongraph, empty", functionGraph, "", none},
		{"functiongraph, 0", functionGraph, "0", none},
		{"functiongraph, negative", functionGraph, "-3", none},
		{"functiongraph, text", functionGraph, "three", none},
		{"functiongraph, with a unit", functionGraph, "3s", none},
		{"functiongraph, huge", functionGraph, "9223372036854775807", none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, env, header := test.how(test.value)
			ev := arrival(t, p, env, header, arrived, 0)
			if got := ev.Limit(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// arrival returns the event of a response with that header.
func arrival(t *testing.T, p *Platform, env variables, header string, at time.Time, timeout time.Duration) *Event {
	t.Helper()
	all := variables{p.Address[0]: "localhost:1"}
	if len(p.Address) == 2 {
		all = variables{p.Address[0]: "localhost", p.Address[1]: "1"}
	}
	for name, value := range env {
		all[name] = value
	}
	c, err := NewClient(p, all.get)
	if err != nil {
		t.Fatal(err)
	}
	c.Timeout = timeout
	name, value, _ := strings.Cut(header, ": ")
	resp := &http1.Response{Began: at, Header: textproto.MIMEHeader{}}
	resp.Header.Set(name, value)
	return c.event("id", resp)
}

// A deadline that is an instant is compared with our own clock.
func TestDeadlineInstant(t *testing.T) {
	arrived := time.UnixMilli(1_800_000_000_000)
	tests := []struct {
		name, value string
		want        time.Time
	}{
		{"in 3 s", "1800000003000", arrived.Add(3 * time.Second)},
		{"over: by another clock", "1799999995000", time.Time{}},
		{"over now", "1800000000000", time.Time{}},
		{"nearly over", "1800000000001", arrived.Add(time.Millisecond)},
		{"empty", "", time.Time{}},
		{"0", "0", time.Time{}},
		{"negative", "-1", time.Time{}},
		{"text", "tomorrow", time.Time{}},
		{"beyond numbers", strings.Repeat("9", 30), time.Time{}},
		{"largest number", "9223372036854775807", time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ev := arrival(t, Lambda, nil, "Lambda-Runtime-Deadline-Ms: "+test.value, arrived, 0)
			if !ev.Deadline.Equal(test.want) {
				t.Errorf("got %v, want %v", ev.Deadline, test.want)
			}
		})
	}
	t.Run("far", func(t *testing.T) {
		ev := arrival(t, Lambda, nil, "Lambda-Runtime-Deadline-Ms: 9223372036854", time.Now(), 0)
		if ev.Limit() < 100*365*24*time.Hour {
			t.Errorf("got a limit of %v, want more than a hundred years", ev.Limit())
		}
	})
}

// A jump of the wall clock between arrival and deadline must not count, so
// the deadline has a monotonic reading, which String shows.
func TestDeadlineIsMonotonic(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name   string
		p      *Platform
		env    variables
		header string
	}{
		{"scf", SCF, nil, "Time_Limit_In_Ms: 3000"},
		{"functiongraph", FunctionGraph, variables{"RUNTIME_TIMEOUT": "3"}, "X: y"},
		{"lambda", Lambda, nil, "Lambda-Runtime-Deadline-Ms: 1800000003000"},
	}
	for _, test := range tests {
		ev := arrival(t, test.p, test.env, test.header, now, 0)
		if got := ev.Deadline.String(); !strings.Contains(got, " m=") {
			t.Errorf("%s: got %s, want a monotonic reading", test.name, got)
		}
	}
}

func TestTimeout(t *testing.T) {
	tests := []struct {
		name     string
		platform string // what the platform says, in ms
		timeout  time.Duration
		want     time.Duration
	}{
		{"fills in", "", 2 * time.Second, 2 * time.Second},
		{"shortens", "3000", 2 * time.Second, 2 * time.Second},
		{"does not lengthen", "3000", 4 * time.Second, 3 * time.Second},
		{"equal", "3000", 3 * time.Second, 3 * time.Second},
		{"none", "3000", 0, 3 * time.Second},
		{"negative is none", "3000", -time.Second, 3 * time.Second},
		{"neither", "", 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ev := arrival(t, SCF, nil, "Time_Limit_In_Ms: "+test.platform, time.Now(), test.timeout)
			if got := ev.Limit(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	facts := []Fact{
		{Name: "A", Header: "X-A"},
		{Name: "B", Variable: "ENV_B"},
		{Name: "C", Header: "X-C", Variable: "ENV_C"},
		{Name: "D", Header: "X-D", Variable: "ENV_D"},
		{Name: "E", Header: "X-E"},
		{Name: "F", Variable: "ENV_F"},
	}
	header := variables{"X-A": "1=2", "X-C": "header", "": "wrong"}
	env := variables{"ENV_B": "b c", "ENV_C": "variable", "ENV_D": "variable", "": "wrong"}
	want := []string{"A=1=2", "B=b c", "C=header", "D=variable"}
	if got := Variables(facts, header.get, env.get); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPath(t *testing.T) {
	tests := []struct{ name, pattern, id, want string }{
		{"last", FunctionGraph.Response, "a-1", "/v1/runtime/invocation/response/a-1"},
		{"in the middle", Lambda.Error, "a-1", "/2018-06-01/runtime/invocation/a-1/error"},
		{"nowhere", SCF.Response, "a-1", "/runtime/invocation/response"},
		{"escaped", Lambda.Response, "a/../b?c#d%", "/2018-06-01/runtime/invocation/a%2F..%2Fb%3Fc%23d%25/response"},
		{"not ASCII", FunctionGraph.Error, "é", "/v1/runtime/invocation/error/%C3%A9"},
		{"like the place itself", FunctionGraph.Error, "{id}", "/v1/runtime/invocation/error/%7Bid%7D"},
	}
	for _, test := range tests {
		if got := path(test.pattern, test.id); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// The emulator's credentials differ from its other values. If one were "local", as
// the region is, the log would hide the region, too.
func TestSecretsOfTheEmulator(t *testing.T) {
	for _, p := range Platforms {
		for _, name := range p.Secrets {
			i := slices.IndexFunc(p.Environment, func(v string) bool { return strings.HasPrefix(v, name+"=") })
			if i < 0 {
				t.Errorf("%s: %s is not in the environment", p.Name, name)
				continue
			}
			secret := strings.TrimPrefix(p.Environment[i], name+"=")
			if n := strings.Count(strings.Join(p.Environment, "\n"), secret); n != 1 {
				t.Errorf("%s: %s is in the environment %d times", p.Name, secret, n)
			}
		}
	}
}
