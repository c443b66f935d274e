package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"bootstrap/adapters"
	"bootstrap/protocol"
	"bootstrap/supervisor"

	"github.com/hashicorp/go-hclog"
)

// A runtime is what the parts of a supervisor are made from.
type runtime struct {
	*Config
	platform *protocol.Platform
	dir      string // the code folder
	mask     *supervisor.Mask
	out      *supervisor.Log
	log      hclog.Logger // our own lines in it

	sidecars []supervisor.Sidecar
	stop     *supervisor.Command // nil: none
}

// newRuntime opens the log. The platform may be nil, where there is nothing to
// run.
func newRuntime(c *Config, p *protocol.Platform, dir string, stderr io.Writer) *runtime {
	r := &runtime{Config: c, platform: p, dir: dir, mask: &supervisor.Mask{}}
	var secrets []string
	for _, name := range r.secretNames() {
		secrets = append(secrets, os.Getenv(name))
	}
	r.mask.Learn(secrets...)
	json := c.LogFormat == "json"
	r.out = supervisor.NewLog(stderr, supervisor.Style{
		Prefix: !json && (c.LogPrefix || slots(c, p) > 1), // else nobody could tell whose a line is
		JSON:   json,
		Mask:   r.mask.Hide,
	})
	r.log = hclog.New(&hclog.LoggerOptions{Name: "bootstrap", Level: hclog.Level(c.LogLevel), Output: r.out.Own(), JSONFormat: json})
	found, nearest := unknown(os.Environ())
	for i, name := range found {
		r.log.Warn("no such option", "variable", name, "nearest", nearest[i], "from", c.Origin(name))
	}
	return r
}

// secretNames are the variables whose values must not show: those of every
// platform, as the keys of one may be used on another.
func (r *runtime) secretNames() (names []string) {
	for _, p := range protocol.Platforms {
		names = append(names, p.Secrets...)
	}
	return append(names, r.Secrets...)
}

// slots is how many events there can be at the same time: what the user wants,
// and no more than the platform says where it does.
func slots(c *Config, p *protocol.Platform) int {
	if p == nil || p.Concurrency == "" {
		return int(max(1, c.Concurrency))
	}
	var offered parallel
	_ = offered.Decode(os.Getenv(p.Concurrency)) // not set, or odd: one at a time
	offered = max(1, offered)
	return int(min(offered, cmp.Or(c.Concurrency, offered)))
}

// concurrencyProblem: answers to several events at the same time need paths
// that tell whose they are.
func concurrencyProblem(c *Config, p *protocol.Platform) error {
	if c.Concurrency <= 1 || p.NamesEvent() {
		return nil
	}
	return fmt.Errorf("%s: %s gives an instance one event at a time, as its calls carry no request id: leave it out",
		c.told(prefix+"_CONCURRENCY"), p.Title)
}

// supervisor puts the parts together. Where something is wrong it is one whose
// start fails for that reason.
func (r *runtime) supervisor(stdout io.Writer, wrong error) (s *supervisor.Supervisor, err error) {
	s = &supervisor.Supervisor{
		StartTimeout: time.Duration(r.StartTimeout),
		Margin:       time.Duration(r.Margin),
		Grace:        time.Duration(r.Grace),
		StopLimit:    cmp.Or(time.Duration(r.StopTimeout), r.platform.StopLimit),
		Keep:         r.Leftovers == "keep",
		Answer:       r.OnInitFailure == "answer",
		Mask:         r.mask,
		Secrets:      r.platform.Credentials,
		Log:          r.log.With("platform", r.platform.Name),
	}
	if r.platform.InitError == "" {
		s.InitLog = stdout
	}
	if wrong != nil {
		return s, r.addSlot(s, adapters.Refuse(wrong), supervisor.Anybody, r.out.Source(""))
	}
	s.WaitFor, s.StopCommand = r.WaitFor, r.stop
	s.Sidecars = supervisor.Sidecars{List: r.sidecars, Fail: r.SidecarPolicy == "fail", Log: s.Log}
	if r.platform.Register != "" {
		if s.Extension, err = protocol.NewExtension(r.platform, os.Getenv); err != nil {
			return nil, err
		}
	}
	return s, r.addSlots(s)
}

// addSlots adds as many as there can be events at the same time.
func (r *runtime) addSlots(s *supervisor.Supervisor) error {
	n := slots(r.Config, r.platform)
	if n < int(r.Concurrency) {
		r.log.Warn("the platform gives fewer events at the same time", "wanted", int(r.Concurrency), "given", n, "from", r.platform.Concurrency)
	}
	init := &adapters.Init{Command: r.InitCommand}
	for i := range n {
		owner := supervisor.Anybody
		if n > 1 || len(r.sidecars) > 0 {
			owner = supervisor.SlotOwner(i + 1)
		}
		source := r.out.Source("")
		config := r.adapter(source)
		config.Init, config.Owner = init, owner
		if i == 0 {
			r.announce(config, n)
		}
		if err := r.addSlot(s, adapters.New(config), owner, source); err != nil {
			return err
		}
	}
	return nil
}

func (r *runtime) addSlot(s *supervisor.Supervisor, a supervisor.Adapter, owner supervisor.Owner, source *supervisor.Source) error {
	client, err := protocol.NewClient(r.platform, os.Getenv)
	if err != nil {
		return err
	}
	client.Timeout = time.Duration(r.Timeout)
	client.Lost = func(call string, err error) { r.log.Warn("asking again", "call", call, "error", err) }
	s.Slots = append(s.Slots, supervisor.Slot{Client: client, Adapter: a, Owner: owner, Source: source})
	return nil
}

func (r *runtime) adapter(source *supervisor.Source) adapters.Config {
	return adapters.Config{
		Platform:        r.platform,
		Command:         r.Command,
		Handler:         os.Getenv(r.platform.Handler),
		Dir:             r.dir,
		Delivery:        adapters.Delivery(r.Delivery),
		ResultFD3:       r.Result == "fd3",
		ExitCodes:       r.ExitCodes,
		FailOnStderr:    r.Stderr == "fail",
		Keep:            r.Leftovers == "keep",
		Worker:          r.Adapter == "worker",
		Standby:         r.Standby,
		PTY:             r.Pty,
		Interpreters:    map[string]string{"python3": r.Python, "node": r.Node},
		StartTimeout:    time.Duration(r.StartTimeout),
		MaxEvents:       int(r.WorkerMaxEvents),
		MaxMemory:       int(r.WorkerMaxMemory) << 20,
		PassCredentials: r.PassCredentials,
		TempPerEvent:    r.TmpdirPerEvent,
		Getenv:          os.Getenv,
		Environ:         os.Environ(),
		Stdout:          source.Stream("stdout"),
		Stderr:          source.Stream("stderr"),
		Logger:          r.log,
		Secrets:         r.secretNames(),
		Mask:            r.mask,
	}
}

// announce is the one line that says what will run, and within which limits.
func (r *runtime) announce(c adapters.Config, slots int) {
	adapter, command := c.Describe()
	fields := append([]any{"platform", r.platform.Name, "adapter", adapter, "command", command}, r.limits(r.platform, os.Getenv)...)
	if slots > 1 {
		fields = append(fields, "concurrency", slots)
	}
	r.log.Info("starting", fields...)
}

// A farewell keeps the end of what a sidecar writes to stderr, to explain its
// own.
type farewell struct {
	io.WriteCloser
	supervisor.Tail
}

func (l *farewell) Write(p []byte) (int, error) {
	_, _ = l.Tail.Write(p) // takes all
	return l.WriteCloser.Write(p)
}

// findCompany finds what runs beside the function, and after it.
func (r *runtime) findCompany() (err error) {
	if r.Sidecars != "" {
		r.sidecars, err = readSidecars(r.Sidecars, r.dir)
		if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
			err = fmt.Errorf("%s: %w", r.told(prefix+"_SIDECARS"), err)
		}
	}
	for i := range r.sidecars {
		sidecar := &r.sidecars[i]
		source := r.out.Source(sidecar.Name)
		said := &farewell{source.Stream("stderr"), supervisor.Tail{Max: 4 << 10}}
		sidecar.Command.Outputs = []io.Writer{source.Stream("stdout"), said}
		sidecar.Said = func() string { return adapters.UsefulLine(r.mask.HideTail(said.Tail.String())) }
		sidecar.Command.Owner = supervisor.SidecarOwner(sidecar.Name)
	}
	if r.StopCommand != "" {
		err = errors.Join(err, r.findStopCommand())
	}
	return err
}

func (r *runtime) findStopCommand() error {
	path, args, err := adapters.FindCommand(r.StopCommand, r.dir, os.Getenv("PATH"))
	if err != nil {
		return fmt.Errorf("%s: %w", r.told(prefix+"_STOP_COMMAND"), err)
	}
	source := r.out.Source("")
	r.stop = &supervisor.Command{
		Path: path, Args: args, Env: os.Environ(), Dir: r.dir,
		Outputs: []io.Writer{source.Stream("stdout"), source.Stream("stderr")},
	}
	return nil
}
