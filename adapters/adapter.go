// Package adapters turns an event into a result by running the user's command.
package adapters

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"

	"github.com/hashicorp/go-hclog"
)

// A Delivery says how an event reaches a program.
type Delivery string

const (
	Stdin Delivery = "stdin" // on standard input
	Argv  Delivery = "argv"  // as the last argument
	File  Delivery = "file"  // in a file, whose path is the last argument
)

// A Config says what to run, and how.
type Config struct {
	Platform        *protocol.Platform
	Command         string         // what to run; empty: what Handler means
	Handler         string         // as the platform gives it
	Dir             string         // the code folder, absolute; also the working directory
	Delivery        Delivery       // of events to a program
	ResultFD3       bool           // the result is on descriptor 3, and stdout is a log
	ExitCodes       map[int]string // what exit statuses mean: OK, or a failure of that type
	FailOnStderr    bool           // any output on stderr is a failure
	Keep            bool           // let live on what an event leaves behind
	Worker          bool           // the program is resident and speaks frames
	Standby         bool           // start the program for the next event ahead of it
	PTY             bool           // what is logged comes through a terminal
	StartTimeout    time.Duration  // until what is resident is ready; 0: no limit
	MaxEvents       int            // of one worker; 0: any number
	MaxMemory       int            // bytes that a worker may hold between events; 0: any number
	PassCredentials bool           // those that come with an event, to the command
	Getenv          func(string) string
	Environ         []string          // of the command
	Interpreters    map[string]string // paths of interpreters, by name, that are not in PATH
	Stdout, Stderr  io.Writer         // take what the command logs on them, as it comes
	Logger          hclog.Logger      // our own log
	Init            *Init             // to be run before the function starts; nil: no command
	TempPerEvent    bool              // each event has a TMPDIR of its own
	Temp            *RunFolder        // shared by all slots; nil: its own
	Owner           process.Owner     // of all that is started
	Secrets         []string          // names of variables whose values must not show
	Mask            *logs.Mask        // learns them, and hides them; nil: nothing is hidden

	memory *memory
	temp   *eventFolder
}

// OK is what an exit status means in Config.ExitCodes where it does not mean a failure.
const OK = "ok"

// New returns the adapter for c. What it is, and whether it can work, shows
// when it is started.
func New(c Config) supervisor.Adapter {
	if c.Init == nil {
		c.Init = &Init{}
	}
	if c.Temp == nil {
		c.Temp = &RunFolder{}
	}
	c.memory, c.temp = &memory{}, &eventFolder{wanted: c.TempPerEvent, in: c.Temp}
	return &adapter{Config: c}
}

type adapter struct {
	Config
	supervisor.Adapter
}

func (a *adapter) Start(ctx context.Context) error {
	a.memory.open()
	err := a.start(ctx)
	if err != nil {
		a.memory.close()
		a.Temp.close()
	}
	return withoutEscapes(err)
}

func (a *adapter) start(ctx context.Context) error {
	vars, err := a.Init.run(ctx, &a.Config)
	if err != nil {
		return err
	}
	a.adopt(vars)
	target, err := command.Resolve(a.Command, a.Handler, a.Dir)
	if err != nil {
		return err
	}
	if a.Adapter, err = a.choose(target); err != nil {
		return err
	}
	return a.Adapter.Start(ctx)
}

func (a *adapter) Close(limit time.Duration) error {
	defer a.memory.close()
	defer a.Temp.close()
	err := a.Adapter.Close(limit)
	a.removeTemp()
	return err
}

func (a *adapter) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	if err := a.temp.make(); err != nil {
		return nil, err
	}
	result, err := a.Adapter.Invoke(ctx, ev)
	return result, withoutEscapes(err)
}

// choose picks the adapter for what is to run.
func (a *adapter) choose(t command.Target) (supervisor.Adapter, error) {
	if t.Function != "" {
		if failure := command.CheckScript(t.File); failure != nil {
			return nil, failure
		}
	}
	switch misfits := a.misfits(t); {
	case len(misfits) > 0: // that was not known when the configuration was read
		return nil, protocol.Failuref("Runtime.ConfigError", "%s: %s", misfits[0].Option, misfits[0].Why)
	case t.Function != "" && filepath.Ext(t.File) != ".sh":
		return newModule(a.Config, t)
	}
	if name := a.initializerName(); name != "" {
		a.cannotInitialize(name)
	}
	switch {
	case t.Function != "":
		return &shell{Config: a.Config, Target: t}, nil
	case a.Worker:
		return newWorker(a.Config, t.Args)
	default:
		return newOneshot(a.Config, t.Args)
	}
}

// Prepare notes how often memory has run out, to tell whether it does again,
// and makes the next event's folder.
func (a *adapter) Prepare() {
	a.memory.look()
	a.renewTemp()
	if p, ok := a.Adapter.(supervisor.Preparer); ok {
		p.Prepare()
	}
}

// renewTemp removes the last event's folder when nobody writes there any more.
func (a *adapter) renewTemp() {
	if w, ok := a.Adapter.(*worker); ok && a.temp.wanted {
		w.tidy()
	}
	a.removeTemp()
	_ = a.temp.make() // Invoke tries again, and reports an error
}

// removeTemp removes the last event's folder. A folder that stays is not a reason
// to fail.
func (a *adapter) removeTemp() {
	if err := a.temp.remove(); err != nil {
		a.Logger.Warn("cannot remove the folder of an event", "error", err)
	}
}

// Settle passes on what was logged since the last event.
func (a *adapter) Settle() {
	if s, ok := a.Adapter.(supervisor.Settler); ok {
		s.Settle()
	}
}

// Usage is what the last event has taken.
func (a *adapter) Usage() supervisor.Usage {
	if m, ok := a.Adapter.(supervisor.Meter); ok {
		return m.Usage()
	}
	return supervisor.Usage{}
}

// variables are what a command gets to know about its event, with the same
// names on every platform.
func (c *Config) variables(ev *protocol.Event) []string {
	vars := []string{"FUNCTION_PLATFORM=" + c.Platform.Name}
	if ev.ID != "" {
		vars = append(vars, "FUNCTION_REQUEST_ID="+ev.ID)
	}
	if limit := ev.Limit(); limit > 0 {
		vars = append(vars,
			"FUNCTION_DEADLINE_MS="+strconv.FormatInt(ev.Deadline.UnixMilli(), 10),
			"FUNCTION_TIME_LIMIT_MS="+strconv.FormatInt(limit.Milliseconds(), 10))
	}
	vars = append(vars, protocol.Variables(c.Platform.Facts, ev.Header.Get, c.Getenv)...)
	if c.temp != nil && c.temp.path != "" {
		vars = append(vars, "TMPDIR="+c.temp.path)
	}
	if c.PassCredentials {
		vars = append(vars, protocol.Variables(c.Platform.Credentials, ev.Header.Get, c.Getenv)...)
	}
	return vars
}

// environment is the command's for an event: its own with vars, which replace
// what has the same names there.
func (c *Config) environment(vars []string) []string {
	env := make([]string, 0, len(c.Environ)+len(vars))
	for _, v := range c.Environ {
		name := v[:strings.IndexByte(v, '=')+1]
		if name == "" || !slices.ContainsFunc(vars, func(w string) bool { return strings.HasPrefix(w, name) }) {
			env = append(env, v)
		}
	}
	return append(env, vars...)
}

// grace is how long a command may take to end gently when ctx ends: half of
// the time from then to the event's deadline, or to the end of the stop. It is
// to be asked then.
func grace(ctx context.Context, ev *protocol.Event) time.Duration {
	if stop, ok := errors.AsType[*supervisor.StopError](context.Cause(ctx)); ok {
		return min(defaultGrace, time.Until(stop.Until)/2)
	}
	if until, ok := ctx.Deadline(); ok && ev.Deadline.After(until) {
		return ev.Deadline.Sub(until) / 2
	}
	return defaultGrace
}

const defaultGrace = 500 * time.Millisecond

// errNotReady is why the wait for the init command, or something resident,
// ended.
var errNotReady = errors.New("BOOTSTRAP_START_TIMEOUT is over")

// untilReady bounds the start of something resident, that has been waited for
// before.
func (c *Config) untilReady(ctx context.Context, waited time.Duration) (context.Context, context.CancelFunc) {
	if c.StartTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, c.StartTimeout-waited, errNotReady)
}

// logged is what takes an output that is a log.
func (c *Config) logged(w io.Writer) io.Writer {
	if c.PTY {
		return process.Terminal{Writer: w}
	}
	return w
}

// tailSize is how much of the end of stderr a failure quotes.
const tailSize = 4 << 10

// A stderr passes the command's log on and keeps its end. A log that cannot be
// written does not fail an event.
type stderr struct {
	logs.Tail
	log  io.Writer
	mask *logs.Mask
}

func (c *Config) newStderr() *stderr {
	return &stderr{Tail: logs.Tail{Max: tailSize}, log: c.Stderr, mask: c.Mask}
}

// String returns the end, without secrets, also without one that was cut when its
// writer was killed.
func (s *stderr) String() string {
	if s.Total > tailSize {
		return s.mask.HidePart(s.Tail.String())
	}
	return s.mask.HideHead(s.Tail.String())
}

func (s *stderr) Write(p []byte) (int, error) {
	_, _ = s.log.Write(p)
	return s.Tail.Write(p)
}
