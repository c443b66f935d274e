package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"bootstrap/adapters"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"

	"github.com/hashicorp/go-hclog"
)

// A runtime is what the parts of a supervisor are made from.
type runtime struct {
	*Config
	platform *protocol.Platform
	dir      string // the code folder
	mask     *logs.Mask
	stderr   io.Writer
	out      *logs.Log    // on stderr
	also     *logs.Log    // on stdout; nil: nothing is written there
	log      hclog.Logger // our own lines in out

	sidecars []supervisor.Sidecar
	stop     *process.Command // nil: none
}

// newRuntime opens the log. The platform may be nil, where there is nothing to
// run.
func newRuntime(c *Config, p *protocol.Platform, dir string, stderr io.Writer) *runtime {
	r := &runtime{Config: c, platform: p, dir: dir, stderr: stderr, mask: &logs.Mask{}}
	var secrets []string
	for _, name := range append(protocol.SecretVariables(), c.Secrets...) {
		secrets = append(secrets, os.Getenv(name))
	}
	r.mask.Learn(secrets...)
	json := c.LogFormat == "json"
	r.out = logs.NewLog(stderr, logs.Style{
		Prefix: !json && (c.LogPrefix || slots(c, p) > 1), // else nobody could tell whose a line is
		JSON:   json,
		Mask:   r.mask.Hide,
	})
	r.log = r.out.Logger(hclog.Level(c.LogLevel))
	found, nearest := unknown(os.Environ())
	for i, name := range found {
		r.log.Warn("no such option", "variable", name, "nearest", nearest[i], "from", c.Origin(name))
	}
	return r
}

// slots is how many events there can be at the same time: what the user wants,
// and no more than the platform says where it does.
func slots(c *Config, p *protocol.Platform) int {
	if p == nil || p.Concurrency == "" {
		return int(max(1, c.Concurrency))
	}
	offered, _ := strconv.Atoi(os.Getenv(p.Concurrency)) // not set, or odd: one at a time
	offered = max(1, min(offered, mostParallel))
	return min(offered, cmp.Or(int(c.Concurrency), offered))
}

// supervisor puts the parts together. Where something is wrong it is one whose
// start fails for that reason.
func (r *runtime) supervisor(stdout io.Writer, wrong error) (s *supervisor.Supervisor, err error) {
	s = &supervisor.Supervisor{
		StartTimeout: r.startTimeout(r.platform, os.Getenv),
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
		s.InitLog = r.logOf(stdout).Complaints()
	}
	if wrong != nil {
		return s, r.addSlot(s, adapters.Refuse(wrong), process.Anybody, r.out.Source(""))
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
		from := r.platform.Concurrency
		if os.Getenv(from) == "" {
			from += ", which is not set"
		}
		r.log.Warn("the platform gives fewer events at the same time", "wanted", int(r.Concurrency), "given", n, "from", from)
	}
	init := &adapters.Init{Command: r.InitCommand, Began: time.Now(), Timeout: s.StartTimeout}
	for i := range n {
		owner := process.Anybody
		if n > 1 || len(r.sidecars) > 0 {
			owner = process.SlotOwner(i + 1)
		}
		source := r.out.Source("")
		config := r.function()
		config.Stdout, config.Stderr = source.Stream("stdout"), source.Stream("stderr")
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

func (r *runtime) addSlot(s *supervisor.Supervisor, a supervisor.Adapter, owner process.Owner, source *logs.Source) error {
	client, err := protocol.NewClient(r.platform, os.Getenv)
	if err != nil {
		return err
	}
	client.Timeout = time.Duration(r.Timeout)
	client.Lost = func(call string, err error) { r.log.Warn("asking again", "call", call, "error", err) }
	s.Slots = append(s.Slots, supervisor.Slot{Client: client, Adapter: a, Owner: owner, Source: source})
	return nil
}

// function is what runs, and how, but for where it logs.
func (r *runtime) function() adapters.Config {
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
		Logger:          r.log,
		Secrets:         r.Secrets,
		Mask:            r.mask,
	}
}

// announce is the one line that says what will run, and within which limits.
func (r *runtime) announce(c adapters.Config, slots int) {
	adapter, command := c.Describe()
	fields := append([]any{"platform", r.platform.Name, "adapter", adapter, "command", command}, r.limits(r.platform, os.Getenv)...)
	if slots > 1 {
		origin := r.platform.Concurrency
		if slots == int(r.Concurrency) {
			origin = r.Origin(prefix + "_CONCURRENCY")
		}
		fields = append(fields, "concurrency", fmt.Sprintf("%d (%s)", slots, origin))
	}
	r.log.Info("starting", fields...)
	if limit := r.platform.StopLimit; limit > 0 && time.Duration(r.StopTimeout) > limit {
		r.log.Warn("the platform may end us before the stop is over", "option", prefix+"_STOP_TIMEOUT", "wanted", time.Duration(r.StopTimeout).String(), "given", limit.String())
	}
}
