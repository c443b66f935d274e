package emulator

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

// environment returns the environment as a map. Each name may come once.
func environment(t *testing.T, s *Server) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, v := range s.Environment() {
		name, value, ok := strings.Cut(v, "=")
		if _, twice := env[name]; !ok || twice {
			t.Errorf("%q is not a variable, or the second one with its name", v)
		}
		env[name] = value
	}
	return env
}

// A runtime gets the variables that the documents name.
func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	fn := Function{Name: "fn", Handler: "index.main_handler", Dir: dir, Timeout: 4500 * time.Millisecond, MemoryMB: 256,
		Env: []string{"MINE=a=b", "PATH=/mine", "MINE=c=d"}}
	for p, want := range map[*protocol.Platform]map[string]string{
		protocol.SCF: {
			"SCF_RUNTIME_API": "127.0.0.1", "_HANDLER": "index.main_handler", "USER_CODE_ROOT": dir, "PWD": dir,
			"SCF_FUNCTIONNAME": "fn", "SCF_FUNCTIONVERSION": "$LATEST",
		},
		protocol.FunctionGraph: {
			"RUNTIME_HANDLER": "index.main_handler", "RUNTIME_CODE_ROOT": dir, "RUNTIME_FUNC_NAME": "fn",
			"RUNTIME_TIMEOUT": "5", "RUNTIME_MEMORY": "256", "RUNTIME_USERDATA": `{"MINE":"c=d","PATH":"/mine"}`,
		},
		protocol.Lambda: {
			"_HANDLER": "index.main_handler", "LAMBDA_TASK_ROOT": dir, "AWS_LAMBDA_FUNCTION_NAME": "fn",
			"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		},
	} {
		f := newFixture(t, p, fn)
		env := environment(t, f.s)
		for name, value := range want {
			if env[name] != value {
				t.Errorf("%s: %s is %q, want %q", p.Name, name, env[name], value)
			}
		}
		if env["MINE"] != "c=d" || env["PATH"] != "/mine" {
			t.Errorf("%s: the function's own do not win: %q", p.Name, env)
		}
	}
}

// Every placeholder ${…} is filled in.
func TestNothingLeftToFillIn(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		f.submit(Event{ID: "1"})
		filled := f.s.Environment()
		for name, values := range f.next().header {
			filled = append(filled, name+": "+strings.Join(values, " "))
		}
		if i := slices.IndexFunc(filled, func(v string) bool { return strings.Contains(v, "${") }); i >= 0 {
			t.Errorf("got %s", filled[i])
		}
	})
}

func TestDefaults(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	env := environment(t, newFixture(t, protocol.FunctionGraph, Function{}).s)
	for name, want := range map[string]string{
		"RUNTIME_TIMEOUT": "3", "RUNTIME_MEMORY": "128", "RUNTIME_FUNC_NAME": "function", "RUNTIME_CODE_ROOT": wd,
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
}

func TestEventHeaders(t *testing.T) {
	f := start(t, protocol.FunctionGraph, Function{})
	f.submit(Event{ID: "1", Header: map[string][]string{
		"X-Cff-Invoke-Type": {"async"}, "X-Cff-Auth-Token": {"secret"},
	}})
	got := f.next()
	for name, want := range map[string]string{
		"X-Cff-Request-Id": "1", "X-Cff-Invoke-Type": "async", "X-Cff-Auth-Token": "secret", "Content-Type": "",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.header.Get(name), want)
		}
	}
}

// Headers keep underscores and their own case, which net/http would change.
func TestHeadersAsSpelt(t *testing.T) {
	f := start(t, protocol.SCF, Function{})
	f.submit(Event{ID: "1"})
	raw := truncated(t, f.url(""), "GET /runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, want := range []string{"\r\nRequest_Id: 1\r\n", "\r\nMemory_Limit_In_Mb: 128\r\n", "\r\nTime_Limit_In_Ms: 3000\r\n"} {
		if !strings.Contains(raw, want) {
			t.Errorf("%q is not in %q", want, raw)
		}
	}
}
