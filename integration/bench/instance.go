package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"
)

// A contender is a runtime and the function that it runs.
type contender struct {
	way     string   // what it is, for people; the same way is the same bar of the plot
	command []string // the runtime
	env     []string // the choices of its user
	code    string   // the code folder
	noLog   bool     // it would be too long
	on      calls    // zero: scf
	whole   bool     // its events last until the next poll
	missing error    // why it cannot run; nil: it can
}

// calls holds the paths of a platform's calls.
type calls struct {
	address     string // the variable with host:port; "": those of SCF
	ready, next string // paths; no ready: the platform has no such call
}

var (
	scf           = calls{ready: "/runtime/init/ready", next: "/runtime/invocation/next"}
	functionGraph = calls{address: "RUNTIME_API_ADDR", next: "/v1/runtime/invocation/request"}
	lambda        = calls{address: "AWS_LAMBDA_RUNTIME_API", next: "/2018-06-01/runtime/invocation/next"}
)

// An instance is a running contender that has asked for an event.
type instance struct {
	platform *platform
	on       calls
	pid      int
	log      *os.File
	ready    time.Duration // from before its start until its first call
	cycle    time.Duration // of the last event: from its delivery until the next poll
}

// start starts a contender and waits for its first poll. After an error, which holds
// the end of the log, no process is left running.
func start(c contender) (*instance, error) {
	if c.missing != nil {
		return nil, c.missing
	}
	p, err := newPlatform()
	if err != nil {
		return nil, err
	}
	i := &instance{platform: p, on: cmp.Or(c.on, scf)}
	if err := i.start(c); err != nil {
		err = i.explain(err)
		i.stop()
		return nil, err
	}
	return i, nil
}

func (i *instance) start(c contender) (err error) {
	if i.log, err = openLog(c.noLog); err != nil {
		return err
	}
	began := time.Now()
	if i.pid, err = spawn(c.command, environment(c, i.platform.port), c.code, i.log); err != nil {
		return fmt.Errorf("cannot start %s: %w", c.command[0], err)
	}
	i.platform.alive = func() bool { return !exited(i.pid) }
	err = i.expect(cmp.Or(i.on.ready, i.on.next))
	i.ready = time.Since(began)
	if err != nil || i.on.ready == "" {
		return err
	}
	if err := i.platform.acknowledge(); err != nil {
		return err
	}
	return i.expect(i.on.next)
}

func openLog(none bool) (*os.File, error) {
	if none {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	return os.CreateTemp("", "log")
}

func environment(c contender, port int) []string {
	address := []string{"SCF_RUNTIME_API=127.0.0.1", fmt.Sprintf("SCF_RUNTIME_API_PORT=%d", port)}
	if c.on.address != "" {
		address = []string{fmt.Sprintf("%s=127.0.0.1:%d", c.on.address, port)}
	}
	return append(append(address,
		"_HANDLER=index.main_handler", "USER_CODE_ROOT="+c.code, "PWD="+c.code,
		"SCF_FUNCTIONNAME=f", "SCF_FUNCTIONVERSION=$LATEST", "TENCENTCLOUD_RUNENV=SCF",
		"PYTHONDONTWRITEBYTECODE=x", "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		"PATH="+os.Getenv("PATH"), "HOME="+os.TempDir(), "TMPDIR="+os.TempDir(),
	), c.env...)
}

func (i *instance) expect(path string) error {
	req, err := i.platform.receive()
	if err == nil && string(req.path) != path {
		err = fmt.Errorf("it called %s, expected %s, with the body %q", req.path, path, short(req.body))
	}
	return err
}

// invoke sends an event, waits until the runtime has asked for the next one, and
// returns how long the result took.
func (i *instance) invoke(ev *event, want outcome) (time.Duration, error) {
	ev.renew()
	began := time.Now()
	if err := i.platform.send(ev.message); err != nil {
		return 0, err
	}
	req, err := i.platform.receive()
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if !want(ev, req) {
		return 0, fmt.Errorf("it answered by %s: %q", req.path, short(req.body))
	}
	if err := i.platform.acknowledge(); err != nil {
		return 0, err
	}
	err = i.expect(i.on.next)
	i.cycle = time.Since(began)
	return took, err
}

// explain adds the last lines of the log to an error.
func (i *instance) explain(err error) error {
	if i.log == nil {
		return err
	}
	text, _ := os.ReadFile(i.log.Name()) // without the log, report the error alone
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("%w; log: %s", err, strings.Join(lines[max(0, len(lines)-3):], " | "))
}

// stop kills all processes of the instance. Only one instance runs at a time.
func (i *instance) stop() {
	i.platform.close()
	endAll()
	if i.log != nil {
		_ = i.log.Close() // nothing was written here
		if i.log.Name() != os.DevNull {
			_ = os.Remove(i.log.Name()) // else with the folder
		}
	}
}

// An outcome reports whether a request is the expected answer to an event.
type outcome func(*event, request) bool

func echo(ev *event, req request) bool {
	return isResponse(req) && ev.echoed(req.body)
}

func nothing(_ *event, req request) bool {
	return isResponse(req) && len(req.body) == 0
}

// isResponse reports whether a request posts a result. On FunctionGraph the id of the
// event follows the path.
func isResponse(req request) bool {
	return bytes.Contains(req.path, []byte("/runtime/invocation/response"))
}

func tooLarge(_ *event, req request) bool {
	return string(req.path) == "/runtime/invocation/error" && bytes.Contains(req.body, []byte("ResponseSizeTooLarge"))
}

// short returns the beginning of a body.
func short(body []byte) []byte { return body[:min(len(body), 200)] }
