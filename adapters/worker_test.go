package adapters

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// obeys is a worker in bash that runs its events as shell code. The function
// say answers, and tell writes the header of an answer.
const obeys = `#!/bin/bash
LC_ALL=C
tell() { printf '{"id":"%s",%s}\n' "$id" "$1" >&3; }
say() { tell '"length":'${#1}; printf %s "$1" >&3; }
echo '{"ready":true}' >&3
while IFS= read -r header; do
	id=${header#*'"id":"'} length=${header#*'"length":'}
	id=${id%%'"'*} length=${length%%[!0-9]*}
	IFS= read -r -N "$length" event
	eval "$event"
done
`

// mirrors is a worker that answers with its event.
const mirrors = `#!/bin/bash
echo '{"ready":true}' >&3
while IFS= read -r header; do
	length=${header#*'"length":'}
	echo "$header" >&3
	head -c "${length%%[!0-9]*}" >&3
done
`

// workerProgram returns the setup of a worker with that text.
func workerProgram(t *testing.T, text string) setup {
	t.Helper()
	c := config(t, files{"worker": text})
	c.Command, c.Worker = `["./worker"]`, true
	return c
}

func workerOf(a supervisor.Adapter) *worker { return a.(*adapter).way.(*worker) }

// prepare does what the loop does before it asks for an event.
func prepare(a supervisor.Adapter) { a.(supervisor.Preparer).Prepare() }

// clearUp kills leftovers of events while no worker runs.
func clearUp(t *testing.T) {
	t.Helper()
	await(t, "the end of all processes", func() bool {
		endOrphans(0)
		return len(children()) == 0
	})
}

func TestWorkerReady(t *testing.T) {
	for name, text := range map[string]string{
		"at once":           `echo '{"ready":true}' >&3`,
		"after some work":   `for ((i = 0; i < 20000; i++)); do :; done; echo '{"ready":true}' >&3`,
		"in pieces":         `for part in '{' '"re' 'ady":' true '}' $'\n'; do printf %s "$part" >&3; done`,
		"with more":         `echo '{"length":0,"ready":true,"version":[1,{}]}' >&3`,
		"with a body":       `printf '{"ready":true,"length":3}\nabc' >&3`,
		"a windows line":    `printf '{"ready":true}\r\n' >&3`,
		"and a log":         `echo loading; echo loading >&2; echo '{"ready":true}' >&3`,
		"a child that does": `sh -c 'echo "{\"ready\":true}" >&3'`,
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, workerProgram(t, strings.Replace(obeys, `echo '{"ready":true}' >&3`, text, 1)))
			first := workerOf(a).session
			succeeds(t, a, "say one", "one")
			succeeds(t, a, "say two", "two")
			if workerOf(a).session != first {
				t.Error("the worker was replaced")
			}
		})
	}
}

func TestWorkerNotReady(t *testing.T) {
	tests := []struct{ name, text, kind, want string }{
		{"an error", `echo '{"length":0,"error":{"type":"Function.Setup","message":"no luck","stack":["one","two"]}}' >&3; read -r _`, "Function.Setup", "no luck"},
		{"an error without a type", `echo '{"error":{"message":"no luck"}}' >&3; read -r _`, "Runtime.InitError", "no luck"},
		{"an error, and it ends", `echo '{"error":{"message":"no luck"}}' >&3; exit 3`, "Runtime.InitError", "no luck"},
		{"not ready", `echo '{"ready":false}' >&3; read -r _`, "Function.BadFrame", `the worker must write {"ready":true} first, but wrote "{\"ready\":false}"`},
		{"an answer", `echo '{"id":"1","length":0}' >&3; read -r _`, "Function.BadFrame", `must write {"ready":true} first`},
		{"text", `echo ready >&3; read -r _`, "Function.BadFrame", `the worker: its answer is not a frame, but begins with "ready"`},
		{"text that goes on", `trap '' TERM; while echo ready; do :; done >&3`, "Function.BadFrame", "begins with \"ready\""},
		{"no JSON", `echo '{ready}' >&3; read -r _`, "Function.BadFrame", `begins with "{ready}"`},
		{"an empty line", `echo >&3; read -r _`, "Function.BadFrame", `begins with ""`},
		{"exit", `echo no luck >&2; exit 3`, "Runtime.UserCodeExit", "the worker exited before it was ready: exit status 3: no luck"},
		{"exit 0", `echo all is well`, "Runtime.UserCodeExit", "the worker exited before it was ready: exit status 0"},
		{"a tool that is not there", `no-such-tool`, "Runtime.UserCodeExit", "exit status 127 (command not found): "},
		{"killed", `kill -9 $$`, "Runtime.UserCodeExit", "killed by signal 9 (killed)"},
		{"half a frame", `printf '{"ready":' >&3; exit 3`, "Runtime.UserCodeExit", "exit status 3"},
		{"half a body", `printf '{"ready":true,"length":5}\nhalf' >&3; exit 3`, "Runtime.UserCodeExit", "exit status 3"},
		{"closed", `exec 3>&-; read -r _`, "Function.BadFrame", "the worker: it closed descriptor 3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, log := workerProgram(t, "#!/bin/bash\n"+test.text), &hook{}
			c.Stdout, c.Stderr = log, log
			failure := startFailure(t, c)
			wantFailure(t, failure, test.kind, test.want)
			switch stack := strings.Join(failure.Stack, "\n"); {
			case test.kind == "Function.Setup" && stack != "one\ntwo":
				t.Errorf("stack: got %q, want what it reported", stack)
			case test.kind == "Runtime.UserCodeExit" && strings.Contains(test.want, "no luck") && stack != "no luck":
				t.Errorf("stack: got %q, want its stderr", stack)
			}
		})
	}
}

// The limit of the start applies to workers that are not ready in time.
func TestWorkerStartTimeout(t *testing.T) {
	for name, text := range map[string]string{
		"silent":         `read -r _`,
		"deaf":           `trap '' TERM; while :; do :; done`,
		"half a frame":   `printf '{"ready":' >&3; read -r _`,
		"on stdout":      `echo '{"ready":true}'; read -r _`,
		"with children":  `sleep 1000 & sleep 1000`,
		"another's tool": `exec cat`,
	} {
		t.Run(name, func(t *testing.T) {
			c := workerProgram(t, "#!/bin/bash\n"+text)
			c.StartTimeout = 50 * time.Millisecond
			wantFailure(t, startFailure(t, c), "Runtime.StartTimeout", "the worker was not ready after 50ms: raise BOOTSTRAP_START_TIMEOUT")
		})
	}
	c := workerProgram(t, obeys)
	c.StartTimeout = 0
	succeeds(t, start(t, c), "say ok", "ok")
}

// A stop interrupts the wait for a worker.
func TestWorkerStartCancelled(t *testing.T) {
	for _, text := range []string{"echo go >&2; read -r _", "trap '' TERM; echo go >&2; while :; do :; done"} {
		ctx, cancel := context.WithCancel(t.Context())
		c := workerProgram(t, "#!/bin/bash\n"+text)
		log := &hook{text: "go", seen: cancel}
		c.Stdout, c.Stderr = log, log
		if err := c.adapter().Start(ctx); err == nil {
			t.Error("Start: got nil, want an error")
		}
		noneLeft(t)
	}
}

func TestWorkerSettings(t *testing.T) {
	c := workerProgram(t, obeys)
	put(t, c.Dir+"/index.sh", []byte("main() { :; }"), 0o644)
	c.Command, c.Handler = "", "index.main"
	wantFailure(t, startFailure(t, c), "Runtime.ConfigError", "set BOOTSTRAP_COMMAND to the worker")
	c.Command = `["./nowhere"]`
	wantFailure(t, startFailure(t, c), "Function.NotFound", "nowhere does not exist")
}

// Events and results pass unchanged, whatever their bytes are.
func TestWorkerBytes(t *testing.T) {
	a := start(t, workerProgram(t, mirrors))
	first := workerOf(a).session
	for name, text := range texts {
		t.Run(name, func(t *testing.T) { succeeds(t, a, text, text) })
	}
	for name, text := range notText {
		t.Run(name, func(t *testing.T) { succeeds(t, a, text, text) })
	}
	for _, size := range []int{1, firstPart - 1, firstPart, firstPart + 1, 65535, 65536, 65537, 100_000, 1 << 20, 6 << 20, protocol.Lambda.MaxResult} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			text := random(size)
			succeeds(t, a, text, text)
		})
	}
	if workerOf(a).session != first {
		t.Error("the worker was replaced")
	}
}

// A result that is too large is skipped, and fails only its event.
func TestWorkerTooLarge(t *testing.T) {
	a := start(t, workerProgram(t, mirrors))
	first := workerOf(a).session
	most := protocol.Lambda.MaxResult
	for _, size := range []int{most + 1, 7_000_000, 20 << 20} {
		failure := fails(t, a, strings.Repeat("x", size), "Function.ResponseSizeTooLarge", fmt.Sprintf("the platform accepts at most %d", most))
		if !strings.Contains(failure.Message, strconv.Itoa(size)) {
			t.Errorf("message: got %q, want the size %d in it", failure.Message, size)
		}
		succeeds(t, a, "small", "small")
	}
	if workerOf(a).session != first {
		t.Error("the worker was replaced")
	}
}

// An answer counts, whatever pieces a worker writes it in.
func TestWorkerWrites(t *testing.T) {
	tests := []struct{ name, code, want string }{
		{"header and body", `tell '"length":4'; printf body >&3`, "body"},
		{"in one", `printf '{"id":"%s","length":4}\nbody' "$id" >&3`, "body"},
		{"byte by byte", `text=$(printf '{"id":"%s","length":4}\nbody' "$id"); for ((i = 0; i < ${#text}; i++)); do printf %s "${text:i:1}" >&3; done`, "body"},
		{"a body in pieces", `tell '"length":10'; for i in 1 2 3 4 5; do printf '%s\n' $i >&3; done`, "1\n2\n3\n4\n5\n"},
		{"by many", `tell '"length":6'; for i in 1 2 3; do sh -c "echo $i >&3"; done`, "1\n2\n3\n"},
		{"spaces, another order", `printf '{ "length" :\t2 , "id" : "%s" }\n%s' "$id" ok >&3`, "ok"},
		{"a windows line", `printf '{"id":"%s","length":2}\r\nok' "$id" >&3`, "ok"},
		{"more than was asked for", `tell '"ready":true,"length":2,"error":null,"cost":1.5'; printf ok >&3`, "ok"},
		{"no length", `tell '"x":0'`, ""},
		{"nothing", `say ""`, ""},
		{"what looks like a frame", `say '{"id":"id-1","length":3}'`, `{"id":"id-1","length":3}`},
		{"before it has read it all", `say early; head -c 3145729 >/dev/null`, "early"},
		{"a header of 200 KB", `tell "\"length\":2,\"filler\":\"$(head -c 200000 /dev/zero | tr '\0' x)\""; printf ok >&3`, "ok"},
	}
	a := start(t, workerProgram(t, strings.Replace(obeys, `read -r -N "$length" event`, `read -r event`, 1)))
	first := workerOf(a).session
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for range 5 {
				body := test.code + "\n"
				if strings.Contains(test.name, "read") {
					body += strings.Repeat("x", 3<<20) + "\n"
				}
				succeeds(t, a, body, test.want)
			}
		})
	}
	if workerOf(a).session != first {
		t.Error("the worker was replaced")
	}
}

// A worker survives a failure that it reports.
func TestWorkerErrors(t *testing.T) {
	a := start(t, workerProgram(t, obeys))
	first := workerOf(a).session
	tests := []struct {
		name, code, kind, want string
		stack                  []string
	}{
		{"with all", `tell '"length":0,"error":{"type":"Function.Own","message":"no luck","stack":["one","two"]}'`, "Function.Own", "no luck", []string{"one", "two"}},
		{"without a type", `tell '"length":0,"error":{"message":"no luck"}'`, "Function.Error", "no luck", nil},
		{"without anything", `tell '"length":0,"error":{}'`, "Function.Error", "", nil},
		{"quotes and others", `tell '"error":{"type":"Function.Own","message":"\"a\\b\" \u4e16\ud83d\ude00 世界"}'`, "Function.Own", `"a\b" 世😀 世界`, nil},
		{"with a body", `tell '"length":4,"error":{"type":"Function.Own","message":"m"}'; printf half >&3`, "Function.Own", "m", nil},
		{"with a log", `echo no luck >&2; tell '"error":{"type":"Function.Own","message":"m"}'`, "Function.Own", "m", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			failure := fails(t, a, test.code, test.kind, test.want)
			if strings.Join(failure.Stack, "|") != strings.Join(test.stack, "|") {
				t.Errorf("stack: got %q, want %q", failure.Stack, test.stack)
			}
			succeeds(t, a, "say ok", "ok")
		})
	}
	if workerOf(a).session != first {
		t.Error("the worker was replaced")
	}
}

// A worker that breaks the protocol is killed. The failure says why, and the
// next event gets a new worker.
func TestWorkerBroken(t *testing.T) {
	tests := []struct{ name, code, kind, want string }{
		{"another id", `id=other; say ok`, "Function.BadFrame", `the worker: it answered the event "other", not "id-1"`},
		{"no id", `echo '{"length":0}' >&3`, "Function.BadFrame", `it answered the event "", not "id-1"`},
		{"another id, an error", `id=other; tell '"error":{"message":"m"}'`, "Function.BadFrame", `it answered the event "other"`},
		{"ready again", `echo '{"ready":true}' >&3`, "Function.BadFrame", `it answered the event ""`},
		{"text", `echo lost >&2; echo hello >&3`, "Function.BadFrame", `the worker: its answer is not a frame, but begins with "hello"`},
		{"text without an end", `printf hello >&3`, "Function.BadFrame", `begins with "hello"`},
		{"an empty line", `echo >&3`, "Function.BadFrame", `begins with ""`},
		{"a byte", `printf '\0' >&3`, "Function.BadFrame", `begins with "\x00"`},
		{"no JSON", `echo '{"id":"id-1",' >&3`, "Function.BadFrame", `begins with "{\"id\":\"id-1\","`},
		{"a list", `echo '[]' >&3`, "Function.BadFrame", `begins with "[]"`},
		{"a negative length", `tell '"length":-1'`, "Function.BadFrame", `\"length\":-1}"`},
		{"half a length", `tell '"length":1.5'`, "Function.BadFrame", `\"length\":1.5}"`},
		{"a length that is text", `tell '"length":"1"'`, "Function.BadFrame", `\"length\":\"1\"}"`},
		{"a length beyond all", `tell '"length":99999999999999999999'`, "Function.BadFrame", `99999999999999999999}"`},
		{"a header of 1 MB", `tell "\"filler\":\"$(head -c 1048576 /dev/zero | tr '\0' x)\""`, "Function.BadFrame", `begins with "{\"id\":\"id-1\",\"filler\":\"xxxx`},
		{"a header without an end", `printf '{' >&3; tr '\0' x </dev/zero >&3`, "Function.BadFrame", `begins with "{xxx`},
		{"exit", `echo no luck >&2; exit 3`, "Function.ExitError", "the worker ended: exit status 3: no luck"},
		{"exit 0", `exit`, "Function.ExitError", "the worker ended: exit status 0"},
		{"killed", `kill -9 $$`, "Function.Signal", "the worker ended: killed by signal 9 (killed)"},
		{"ended", `echo lost line >&2; kill -TERM $$`, "Function.Signal", "the worker ended: killed by signal 15 (terminated): lost line"},
		{"its group killed", `kill -9 0`, "Function.Signal", "the worker ended: killed by signal 9 (killed)"},
		{"half a header, exit", `printf '{"id":' >&3; exit 3`, "Function.ExitError", "exit status 3 (after 6 bytes of the first line of its answer)"},
		{"half a body, exit", `tell '"length":10'; printf half >&3; exit 3`, "Function.ExitError", "exit status 3 (after 4 of the 10 bytes of its answer)"},
		{"half a body, exit 0", `tell '"length":10'; printf half >&3; exit`, "Function.ExitError", "exit status 0 (after 4 of the 10 bytes of its answer)"},
		{"half a body, killed", `tell '"length":10'; printf half >&3; kill -9 $$`, "Function.Signal", "killed by signal 9 (killed) (after 4 of the 10 bytes of its answer)"},
		{"closed", `exec 3>&-`, "Function.BadFrame", "the worker: it closed descriptor 3"},
		{"half a header, closed", `printf '{' >&3; exec 3>&-`, "Function.BadFrame", "it closed descriptor 3 (after 1 bytes of the first line of its answer)"},
		{"half a body, closed", `tell '"length":10'; printf half >&3; exec 3>&-`, "Function.BadFrame", "it closed descriptor 3 (after 4 of the 10 bytes of its answer)"},
		{"closed, exit", `exec 3>&-; exit 3`, "Function.ExitError", "the worker ended: exit status 3"},
		{"its own failure", `echo '{"errorType":"Function.Own","errorMessage":"mine"}' >&2; exit 1`, "Function.Own", "mine"},
		{"a status with a meaning", `exit 75`, "Function.Retry", "the worker ended: exit status 75"},
		{"a status that is fine for a program", `exit 76`, "Function.ExitError", "the worker ended: exit status 76"},
	}
	c := workerProgram(t, obeys)
	c.ExitCodes = map[int]string{75: "Function.Retry", 76: OK}
	a := start(t, c)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := workerOf(a).session
			failure := fails(t, a, test.code, test.kind, test.want)
			if strings.Contains(test.code, "echo lost") && !strings.HasPrefix(strings.Join(failure.Stack, "\n"), "lost") {
				t.Errorf("stack: got %q, want what it wrote to stderr", failure.Stack)
			}
			noneLeft(t)
			succeeds(t, a, "say ok", "ok")
			if workerOf(a).session == before {
				t.Error("the worker was not replaced")
			}
		})
	}
}

// A failure that the worker states counts even if it exits with status 0,
// because an exit during an event is never a success.
func TestWorkerOwnFailureStatus0(t *testing.T) {
	a := start(t, workerProgram(t, obeys))
	fails(t, a, `echo '{"errorType":"Function.Own","errorMessage":"mine"}' >&2; exit`, "Function.Own", "mine")
}

func TestWorkerTimeout(t *testing.T) {
	tests := []struct {
		name, code string
		grace      time.Duration
		want       string
	}{
		{"waiting", "echo go >&2; read -r _", patience, ""},
		{"busy", "echo go >&2; while :; do :; done", patience, ""},
		{"another program", "echo go >&2; exec sleep 1000", patience, ""},
		{"children", "sleep 1000 & (sleep 1000 &) ; echo go >&2; wait", patience, ""},
		{"stopped", "echo go >&2; kill -STOP $$", patience, ""},
		{"a last word", "trap 'say late; exit 0' TERM; echo go >&2; while :; do :; done", patience, ""},
		{"half a header", `printf '{"id":' >&3; echo go >&2; read -r _`, patience, "(after 6 bytes of the first line of its answer)"},
		{"half a body", `tell '"length":10'; printf half >&3; echo go >&2; read -r _`, patience, "(after 4 of the 10 bytes of its answer)"},
		{"an absurd length", `tell '"length":9000000000000000000'; echo go >&2; read -r _`, patience, "(after 0 of the 9000000000000000000 bytes of its answer)"},
		{"a result that does not end", `tell '"length":9000000000000000000'; echo go >&2; trap '' TERM; while printf %65536s; do :; done >&3`, 50 * time.Millisecond, "of the 9000000000000000000 bytes"},
		{"deaf", "trap '' TERM; echo go >&2; while :; do :; done", 50 * time.Millisecond, ""},
		{"deaf children", "trap '' TERM; sleep 1000 & sleep 1000 & echo go >&2; wait", 50 * time.Millisecond, ""},
		{"in another session", "setsid sleep 1000 & echo go >&2; wait", patience, ""},
		{"deaf, lost, in another session", `(setsid sh -c 'trap "" TERM; sleep 1000 & echo go >&2; while :; do :; done' &); read -r _`, patience, ""},
	}
	c, log := workerProgram(t, obeys), &hook{}
	c.Stdout, c.Stderr = log, log
	a := start(t, c)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			succeeds(t, a, "say ok", "ok")
			began := time.Now()
			failure := timeUp(t, a, test.code, log, test.grace)
			if took := time.Since(began); took > patience/2 {
				t.Errorf("took %v", took)
			}
			if !strings.Contains(failure.Message, test.want) || test.want == "" && strings.Contains(failure.Message, "after 0") {
				t.Errorf("message: got %q, want %q in it", failure.Message, test.want)
			}
			if strings.Join(failure.Stack, "\n") != "go" {
				t.Errorf("stack: got %q, want go", failure.Stack)
			}
			clearUp(t)
			succeeds(t, a, "say ok", "ok")
		})
	}
}

// When the runtime stops, the failure of the current event says so.
func TestWorkerStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	c := workerProgram(t, obeys)
	log := &hook{text: "go", seen: func() { cancel(supervisor.ErrStopping) }}
	c.Stdout, c.Stderr = log, log
	a := start(t, c)
	_, failure := invokeFor(ctx, t, a, newEvent("echo go >&2; read -r _"))
	wantFailure(t, failure, "Function.Stopped", "stopped before it finished: the runtime is stopping")
}

// A worker that writes endless output without a frame is killed at its limit,
// here after half a second.
func TestWorkerEndlessGarbage(t *testing.T) {
	a := start(t, workerProgram(t, obeys))
	fails(t, a, `trap '' TERM; x=$(head -c 1000000 /dev/zero | tr '\0' x); while printf %s "$x"; do :; done >&3`, "Function.BadFrame", `begins with "xxx`)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fails(t, a, `trap '' TERM; x=$(head -c 1000000 /dev/zero | tr '\0' x); while printf %s "$x"; do :; done >&3`, "Function.BadFrame", `begins with "xxx`)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d MB were allocated, want a few at most", grown>>20)
	}
}

// A worker that has written more than its answer is replaced, so that the rest
// does not become part of another answer.
func TestWorkerStray(t *testing.T) {
	const twice = `printf '{"id":"%s","length":1}\n1{"id":"%s","length":1}\n2' "$id" "$id" >&3`
	for name, code := range map[string]string{
		"two answers": twice,
		"a newline":   `printf '{"id":"%s","length":1}\n1\n' "$id" >&3`,
		"later":       `say 1; echo more >&3; echo done >file`,
		"closed":      `say 1; exec 3>&-; echo done >file`,
		"gone":        `say 1; echo $$ >file; exit 0`,
	} {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprint(name, prepared), func(t *testing.T) {
				c := workerProgram(t, obeys)
				a := start(t, c)
				for range effort.Repeats(10) {
					before := workerOf(a).session
					succeeds(t, a, code, "1")
					if strings.Contains(code, "file") {
						await(t, "what comes after the answer", func() bool {
							text, err := os.ReadFile(c.Dir + "/file")
							pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
							return strings.HasSuffix(string(text), "\n") && err == nil && (pid == 0 || zombie(pid))
						})
						_ = os.Remove(c.Dir + "/file") // it was read
					}
					if prepared {
						prepare(a)
					}
					succeeds(t, a, "say ok", "ok")
					if workerOf(a).session == before {
						t.Error("the worker was not replaced")
					}
				}
			})
		}
	}
}

// A worker that dies between two events costs nothing but its start.
func TestWorkerDiesBetween(t *testing.T) {
	for name, prepared := range map[string]bool{"seen by the event": false, "seen before": true} {
		t.Run(name, func(t *testing.T) {
			a := start(t, workerProgram(t, obeys))
			for range 5 {
				text, failure := invoke(t, a, "say $$")
				pid, _ := strconv.Atoi(text)
				if failure != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
					t.Fatal(text, failure)
				}
				await(t, "the end of the worker", func() bool { return zombie(pid) })
				if prepared {
					prepare(a)
					if s := workerOf(a).session; s == nil || s.ready || zombie(pid) {
						t.Errorf("got %+v, want another that is starting", s)
					}
				}
				succeeds(t, a, "say ok", "ok")
			}
		})
	}
}

// Prepare does nothing if there is nothing to do.
func TestWorkerPrepareIdle(t *testing.T) {
	a := start(t, workerProgram(t, obeys))
	first := workerOf(a).session
	for range 5 {
		prepare(a)
		succeeds(t, a, "say ok", "ok")
	}
	if workerOf(a).session != first {
		t.Error("the worker was replaced")
	}
}

func TestWorkerMaxEvents(t *testing.T) {
	c := workerProgram(t, obeys)
	c.MaxEvents = 3
	a := start(t, c)
	lives := map[string]int{}
	for range 9 {
		prepare(a)
		pid, failure := invoke(t, a, "say $$")
		if failure != nil {
			t.Fatal(failure)
		}
		lives[pid]++
	}
	if len(lives) != 3 {
		t.Errorf("events of each worker: got %v, want 3 of 3", lives)
	}
}

// The memory of a worker includes the memory of its descendants.
func TestWorkerMaxMemory(t *testing.T) {
	for name, code := range map[string]string{
		"itself":  `printf -v x %40000000s; say ok`,
		"a child": `bash -c 'printf -v x %40000000s; echo done >file; kill -STOP $$' & until [ -s file ]; do sleep 0.01; done; say ok`,
	} {
		t.Run(name, func(t *testing.T) {
			c := workerProgram(t, obeys)
			c.MaxMemory = 30 << 20
			a := start(t, c)
			first := workerOf(a).session
			succeeds(t, a, "say ok", "ok")
			prepare(a)
			if workerOf(a).session != first {
				t.Error("the worker was replaced")
			}
			succeeds(t, a, code, "ok")
			prepare(a)
			if workerOf(a).session == first {
				t.Error("the worker was not replaced")
			}
			succeeds(t, a, "say ok", "ok")
		})
	}
}

// startsWhile is a worker that counts its starts, and cannot start while a file
// named broken exists.
var startsWhile = strings.Replace(obeys, "LC_ALL=C", "LC_ALL=C; echo $$ >>starts; [ ! -e broken ] || { echo no luck >&2; exit 7; }", 1)

// A worker that cannot start is tried again after growing pauses. An event
// whose time ends before that fails at once.
func TestWorkerPauses(t *testing.T) {
	c := workerProgram(t, startsWhile)
	a := start(t, c)
	w := workerOf(a)
	starts := func() int { return bytes.Count(content(t, c.Dir+"/starts"), []byte("\n")) }
	put(t, c.Dir+"/broken", nil, 0o644)
	fails(t, a, "exit 3", "Function.ExitError", "exit status 3")
	if !w.nextStart.IsZero() {
		t.Errorf("after a worker that has started: got a pause until %v, want none", w.nextStart)
	}
	for i := range 5 {
		w.nextStart = time.Now()
		before, began, longest := starts(), time.Now(), 100*time.Millisecond<<i
		fails(t, a, "say ok", "Runtime.UserCodeExit", "the worker exited before it was ready: exit status 7: no luck")
		if time.Until(w.nextStart) > longest || w.nextStart.Sub(began) < longest/2 || w.failures != i+1 {
			t.Errorf("failure %d of %d: got a pause of %v, want at most %v and half of it at least", i, w.failures, time.Until(w.nextStart), longest)
		}
		if got := starts(); got != before+1 {
			t.Errorf("starts: got %d more, want one", got-before)
		}
	}
	w.nextStart = time.Now().Add(time.Hour)
	for range 5 {
		before := starts()
		prepare(a)
		fails(t, a, "say ok", "Runtime.UserCodeExit", "exit status 7: no luck")
		if got := starts(); got != before || w.failures != 5 {
			t.Errorf("in the pause: got %d starts and %d failures, want none more", got-before, w.failures)
		}
	}
	_ = os.Remove(c.Dir + "/broken")                    // put there above
	w.nextStart = time.Now().Add(20 * time.Millisecond) // within the event's time
	succeeds(t, a, "say ok", "ok")
	if w.failures != 0 || w.startFailure != nil {
		t.Errorf("after a start: got %d failures, %v, want none", w.failures, w.startFailure)
	}
}

// The end of an event's time, or a stop, also interrupts a pause.
func TestWorkerStoppedInPause(t *testing.T) {
	c := workerProgram(t, startsWhile)
	a := start(t, c)
	put(t, c.Dir+"/broken", nil, 0o644)
	fails(t, a, "exit 3", "Function.ExitError", "exit status 3")
	fails(t, a, "say ok", "Runtime.UserCodeExit", "no luck")
	workerOf(a).nextStart = time.Now().Add(time.Hour)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(supervisor.ErrStopping)
	_, failure := invokeFor(ctx, t, a, newEvent(""))
	wantFailure(t, failure, "Function.Stopped", "the runtime is stopping while the worker was starting again")
}

// If a start ahead of the event has failed, the worker is started once more for
// the event.
func TestWorkerFailedAhead(t *testing.T) {
	c := workerProgram(t, startsWhile)
	a := start(t, c)
	put(t, c.Dir+"/broken", nil, 0o644)
	fails(t, a, "exit 3", "Function.ExitError", "exit status 3")
	prepare(a)
	await(t, "the end of the new worker", func() bool { return workerOf(a).session.process.Exited() })
	_ = os.Remove(c.Dir + "/broken") // put there above
	succeeds(t, a, "say ok", "ok")
}

// The program may be gone when the worker is replaced.
func TestWorkerProgramGone(t *testing.T) {
	c := workerProgram(t, obeys)
	a := start(t, c)
	if err := os.Rename(c.Dir+"/worker", c.Dir+"/gone"); err != nil {
		t.Fatal(err)
	}
	fails(t, a, "exit 3", "Function.ExitError", "exit status 3")
	for range 2 {
		prepare(a)
		fails(t, a, "say ok", "Function.NotFound", "worker does not exist")
	}
	if err := os.Rename(c.Dir+"/gone", c.Dir+"/worker"); err != nil {
		t.Fatal(err)
	}
	succeeds(t, a, "say ok", "ok")
}

// The replacement of a worker takes part of the event's time.
func TestWorkerRestartInTime(t *testing.T) {
	c, log := workerProgram(t, strings.Replace(obeys, "LC_ALL=C", "LC_ALL=C; [ ! -e slow ] || { echo go >&2; read -r _ <fifo; }", 1)), &hook{}
	c.Stdout, c.Stderr = log, log
	if err := syscall.Mkfifo(c.Dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, c)
	put(t, c.Dir+"/slow", nil, 0o644)
	fails(t, a, "exit 3", "Function.ExitError", "exit status 3")
	failure := timeUp(t, a, "say ok", log, patience)
	if !strings.HasSuffix(failure.Message, " while the worker was starting again") {
		t.Errorf("message: got %q", failure.Message)
	}
	if w := workerOf(a); w.failures != 0 {
		t.Errorf("got %d failures, want none: it was not the worker's", w.failures)
	}
}

// A start may go on after the event that began it. Otherwise a slow worker
// would never be ready while events arrive.
func TestWorkerSlowStartGoesOn(t *testing.T) {
	c, log := workerProgram(t, strings.Replace(startsWhile, "echo $$", "[ ! -e slow ] || { echo go >&2; read -r _ <fifo; }; echo $$", 1)), &hook{}
	c.Stdout, c.Stderr = log, log
	if err := syscall.Mkfifo(c.Dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, c)
	put(t, c.Dir+"/slow", nil, 0o644)
	fails(t, a, "exit 3", "Function.ExitError", "exit status 3")
	_ = timeUp(t, a, "say ok", log, patience)
	starting := workerOf(a).session
	if starting == nil {
		t.Fatal("the worker was killed as it started")
	}
	release(t, c.Dir+"/fifo")
	succeeds(t, a, "say ok", "ok")
	if workerOf(a).session != starting {
		t.Error("the worker was replaced")
	}
}

// Close lets a worker exit on its own.
func TestWorkerClose(t *testing.T) {
	for name, test := range map[string]struct {
		end, want string
		most      time.Duration
	}{
		"at the end of stdin": {"echo bye", "bye\n", patience},
		"with a status":       {"echo bye; exit 3", "bye\n", patience},
		"at SIGTERM":          {"trap 'echo bye; exit' TERM; while :; do :; done", "bye\n", patience},
		"by force":            {"trap '' TERM; while :; do :; done", "", 5 * time.Second},
		"with its children":   {"trap '' TERM; sleep 1000 & sleep 1000 & wait", "", 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			c, log := workerProgram(t, obeys+test.end), &hook{}
			c.Stdout, c.Stderr = log, log
			a := c.adapter()
			if err := a.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			succeeds(t, a, "say ok", "ok")
			began := time.Now()
			if err := a.Close(patience); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > test.most {
				t.Errorf("took %v", took)
			}
			noneLeft(t)
			if log.String() != test.want {
				t.Errorf("log: got %q, want %q", log, test.want)
			}
			if err := a.Close(patience); err != nil {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// If little time is left for the stop, a worker gets no more than that.
func TestWorkerCloseInTime(t *testing.T) {
	a := workerProgram(t, obeys+"while :; do :; done").adapter()
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	succeeds(t, a, "trap '' TERM; say ok", "ok")
	began := time.Now()
	if err := a.Close(3 * time.Millisecond); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took >= 2*retireTime {
		t.Errorf("took %v, want far less than %v", took, 2*retireTime)
	}
	noneLeft(t)
}

// The output of a worker to stdout and stderr is logged completely before its
// answer.
func TestWorkerLog(t *testing.T) {
	const code = `printf '%s' "$x" >&2; printf '%s' "$x"; echo last >&2; say ok`
	for name, pty := range map[string]bool{"pipes": false, "terminals": true} {
		t.Run(name, func(t *testing.T) {
			c, log := workerProgram(t, strings.Replace(obeys, "LC_ALL=C", "LC_ALL=C; x=$(head -c 50000 /dev/zero | tr '\\0' x)", 1)), &hook{}
			c.Stdout, c.Stderr, c.PTY = log, log, pty
			a := start(t, c)
			for range 50 {
				log.Reset()
				succeeds(t, a, code, "ok")
				if got := log.Len(); got != 100_005 {
					t.Fatalf("log: got %d bytes, want 100005", got)
				}
			}
			log.Reset()
			succeeds(t, a, "printf 'a\\nb\\r\\n\\tc\\033[1m\\001\\377\\0' >&2; say ok", "ok")
			if got, want := log.String(), "a\nb\r\n\tc\x1b[1m\x01\xff\x00"; got != want {
				t.Errorf("log: got %q, want %q", got, want)
			}
			want := map[bool]string{false: "none", true: "1 2"}[pty]
			succeeds(t, a, `is=; for fd in 0 1 2 3; do [ -t $fd ] && is+=" $fd"; done; is=${is# }; say "${is:-none}"`, want)
		})
	}
}

// Log lines of stdout and stderr are kept apart.
func TestStreamsApart(t *testing.T) {
	const code = "echo out; echo error >&2; "
	program := config(t, nil)
	program.Command, program.ResultFD3 = code+"echo ok >&3", true
	for name, c := range map[string]setup{"worker": workerProgram(t, obeys), "program": program} {
		stdout, stderr := &hook{}, &hook{}
		c.Stdout, c.Stderr = stdout, stderr
		a := start(t, c)
		if _, err := a.Invoke(t.Context(), newEvent(code+"say ok")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if stdout.String() != "out\n" || stderr.String() != "error\n" {
			t.Errorf("%s: got %q and %q", name, stdout, stderr)
		}
	}
}

// With FailOnStderr, output on stderr fails an event. Output on stdout does
// not, nor output between events or as the worker starts.
func TestWorkerFailOnStderr(t *testing.T) {
	c := workerProgram(t, strings.Replace(obeys, "LC_ALL=C", "LC_ALL=C; echo loading >&2", 1))
	c.FailOnStderr = true
	if err := syscall.Mkfifo(c.Dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, c)
	succeeds(t, a, "say ok; read -r _ <fifo; echo later >&2; echo done >file", "ok")
	release(t, c.Dir+"/fifo")
	await(t, "what comes later", func() bool { return len(content(t, c.Dir+"/file")) > 0 })
	succeeds(t, a, "echo out; say ok", "ok")
	failure := fails(t, a, "echo no luck >&2; say ok", "Function.Stderr", "no luck")
	if strings.Join(failure.Stack, "|") != "no luck" {
		t.Errorf("stack: got %q", failure.Stack)
	}
	fails(t, a, `echo no luck >&2; tell '"error":{"type":"Function.Own","message":"m"}'`, "Function.Own", "m")
	succeeds(t, a, "say ok", "ok")
}

// The same holds for an event that had to wait for the start.
func TestWorkerFailOnStderrRestart(t *testing.T) {
	for name, prepared := range map[string]bool{"by the event": false, "ahead": true} {
		t.Run(name, func(t *testing.T) {
			c := workerProgram(t, strings.Replace(obeys, "LC_ALL=C", "LC_ALL=C; echo loading >&2", 1))
			c.FailOnStderr = true
			a := start(t, c)
			fails(t, a, "exit 3", "Function.ExitError", "exit status 3")
			if prepared {
				prepare(a)
			}
			succeeds(t, a, "say ok", "ok")
			failure := fails(t, a, "echo no luck >&2; exit 3", "Function.ExitError", "no luck")
			if strings.Join(failure.Stack, "|") != "no luck" {
				t.Errorf("stack: got %q", failure.Stack)
			}
		})
	}
}

// A frame has the same facts as a command's environment, on each platform.
func TestWorkerFacts(t *testing.T) {
	sent := textproto.MIMEHeader{}
	for name, value := range credentials {
		sent.Set(name, value)
	}
	sent.Set("Memory_Limit_In_Mb", "128")
	sent.Set("Lambda-Runtime-Trace-Id", `Root="1"`)
	sent.Set("X-Cff-Invoke-Type", "sync")
	for name, value := range map[string]string{
		"SCF_FUNCTIONNAME": "hello", "SCF_FUNCTIONVERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_NAME": "hello", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"RUNTIME_FUNC_NAME": "hello", "RUNTIME_FUNC_VERSION": "$LATEST", "RUNTIME_MEMORY": "128",
	} {
		t.Setenv(name, value)
	}
	more := map[string]string{"scf": "", "lambda": `,"trace_id":"Root=\"1\""`, "functiongraph": `,"invoke_type":"sync"`}
	for _, p := range protocol.Platforms {
		for _, pass := range []bool{false, true} {
			t.Run(fmt.Sprint(p.Name, pass), func(t *testing.T) {
				c := workerProgram(t, obeys)
				c.Platform, c.PassCredentials = p, pass
				a := start(t, c)
				ev := newEvent(`say "$header"`)
				ev.Header = sent
				got, failure := invokeEvent(t, a, ev)
				want := fmt.Sprintf(`{"id":"id-1","length":13,"platform":"%s","deadline_ms":%d,"time_limit_ms":%d,"name":"hello","version":"$LATEST","memory_mb":128%s`,
					p.Name, ev.Deadline.UnixMilli(), ev.Limit().Milliseconds(), more[p.Name])
				if pass && p == protocol.FunctionGraph {
					want += `,"access_key":"secret-1","secret_key":"secret-2","security_access_key":"secret-3","security_secret_key":"secret-4","security_token":"secret-5","auth_token":"secret-6"`
				}
				if failure != nil || got != want+"}" {
					t.Errorf("got  %s %v\nwant %s}", got, failure, want)
				}
				var any map[string]any
				if err := json.Unmarshal([]byte(got), &any); err != nil {
					t.Error(err)
				}
				ev = newEvent(`say "$header"`)
				ev.Deadline = time.Time{}
				if got, failure := invokeEvent(t, a, ev); failure != nil || strings.Contains(got, "_ms") || strings.Contains(got, "secret") {
					t.Errorf("without a limit: got %s %v", got, failure)
				}
			})
		}
	}
}

// A worker has stdin and three descriptors to write to, the default signals,
// and its environment unchanged.
func TestWorkerCleanChild(t *testing.T) {
	c := workerProgram(t, obeys)
	c.Environ = append(c.Environ, "FUNCTION_X=own")
	a := start(t, c)
	succeeds(t, a, `(cd /proc/$$/fd; echo *) >file; say "$(cat file; grep -E 'Sig(Blk|Ign)' /proc/self/status; env | grep FUNCTION_)"`,
		"0 1 2 255 3\n"+defaultSignals(t)+"\nFUNCTION_X=own")
	succeeds(t, a, `say "$PWD"`, c.Dir)
}

func TestWorkerNothingLeft(t *testing.T) {
	a := start(t, workerProgram(t, obeys))
	const theirs = `(cd /proc/$$/fd; echo *) >file; say "$(cat file)"`
	own, _ := invoke(t, a, theirs)
	before := len(descriptors())
	for i := range 60 {
		_, _ = invoke(t, a, []string{"say ok", "echo error >&2; say ok", "exit 3", "echo x >&3", "printf x; read -r -t 0 _; exit"}[i%5]) // any is fine
		if i%2 == 0 {
			prepare(a)
		}
	}
	succeeds(t, a, theirs, own)
	if after := len(descriptors()); after > before {
		t.Errorf("descriptors: got %d, want no more than %d", after, before)
	}
}

// content returns the text of a file, or nothing if there is no such file.
func content(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return text
}

// release lets a process continue that reads a line from a fifo.
func release(t *testing.T, fifo string) {
	t.Helper()
	if err := os.WriteFile(fifo, []byte("go on\n"), 0); err != nil {
		t.Fatal(err)
	}
}

// A worker may answer before it has read its whole event. The memory of the
// event is used again after that.
func TestWorkerAnswersBeforeItReads(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	c := config(t, files{"worker.py": `
import json, os, sys
answers = os.fdopen(3, "wb", 0)
answers.write(b'{"ready":true}\n')
sent = b""
for line in sys.stdin.buffer:
    frame = json.loads(line)
    answers.write(b'{"id":"%s","length":%d}\n' % (frame["id"].encode(), len(sent)) + sent)
    event = sys.stdin.buffer.read(frame["length"])
    sent = b"%d of a" % event.count(b"a")
`})
	c.Worker, c.Command = true, `["python3", "worker.py"]`
	a := start(t, c)
	memory := bytes.Repeat([]byte("a"), 4<<20)
	for _, want := range []string{"", "4194304 of a"} {
		ev := newEvent("")
		ev.Body = memory
		if got, failure := invokeEvent(t, a, ev); failure != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, failure, want)
		}
		copy(memory, bytes.Repeat([]byte("b"), len(memory)))
	}
}
