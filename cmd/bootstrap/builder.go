package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"bootstrap/adapters"
	"bootstrap/adapters/temp"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"

	"github.com/hashicorp/go-hclog"
)

// A builder makes a supervisor from the configuration.
type builder struct {
	*Config
	platform  *protocol.Platform
	dir       string // the code folder
	mask      *logs.Mask
	stderrLog *logs.Log    // on stderr
	logger    hclog.Logger // our own lines, in stderrLog

	sidecars    []supervisor.Sidecar
	stopCommand *process.Command // nil: none
}

// newBuilder opens the log. The platform is nil where none was detected.
func newBuilder(c *Config, p *protocol.Platform, dir string, stderr io.Writer) *builder {
	b := &builder{Config: c, platform: p, dir: dir, mask: &logs.Mask{}}
	var secrets []string
	for _, name := range append(protocol.SecretVariables(), c.Secrets...) {
		secrets = append(secrets, os.Getenv(name))
	}
	b.mask.Learn(secrets...)
	json := c.LogFormat == "json"
	b.stderrLog = logs.NewLog(stderr, logs.Style{
		Prefix: !json && (c.LogPrefix || slots(c, p) > 1), // needed where the lines of several events mix
		JSON:   json,
		Mask:   b.mask.Hide,
	})
	b.logger = b.stderrLog.Logger(hclog.Level(c.LogLevel))
	found, nearest := unknownOptions(os.Environ())
	for i, name := range found {
		b.logger.Warn("unknown option", "variable", name, "nearest", nearest[i], "from", c.Origin(name))
	}
	return b
}

// slots returns the number of events at the same time: Concurrency, limited by
// the number that the platform sets.
func slots(c *Config, p *protocol.Platform) int {
	if p == nil || p.Concurrency == "" {
		return int(max(1, c.Concurrency))
	}
	offered, _ := strconv.Atoi(os.Getenv(p.Concurrency)) // missing or invalid: one
	offered = max(1, min(offered, maxConcurrency))
	return min(offered, cmp.Or(int(c.Concurrency), offered))
}

// supervisor returns a supervisor for the configuration. If the configuration
// is wrong, the start of the supervisor fails with that error.
func (b *builder) supervisor(configErr error) (s *supervisor.Supervisor, err error) {
	s = &supervisor.Supervisor{
		StartTimeout: b.startTimeout(b.platform, os.Getenv),
		Margin:       time.Duration(b.Margin),
		Grace:        time.Duration(b.Grace),
		StopTimeout:  cmp.Or(time.Duration(b.StopTimeout), b.platform.StopLimit),
		Keep:         b.Leftovers == "keep",
		Answer:       b.OnInitFailure == "answer",
		Mask:         b.mask,
		Secrets:      b.platform.Credentials,
		Log:          b.logger.With("platform", b.platform.Name),
	}
	if b.platform.InitError == "" && configErr == nil && !b.logger.IsError() { // nothing else reports the reason
		s.InitLog = b.stderrLog.Complaints()
	}
	if configErr != nil {
		return s, b.addSlot(s, adapters.Refuse(configErr), process.Anybody, b.stderrLog.Source(""))
	}
	s.WaitFor, s.StopCommand = b.WaitFor, b.stopCommand
	s.Sidecars = supervisor.Sidecars{List: b.sidecars, Fail: b.SidecarPolicy == "fail", Log: s.Log}
	if b.platform.Register != "" {
		if s.Extension, err = protocol.NewExtension(b.platform, os.Getenv); err != nil {
			return nil, err
		}
	}
	return s, b.addSlots(s)
}

// addSlots adds a slot for each event that may be served at the same time.
func (b *builder) addSlots(s *supervisor.Supervisor) error {
	n := slots(b.Config, b.platform)
	b.warnOfFewerSlots(n)
	function := b.function()
	b.logStart(function, n)
	b.warnOfArgument()
	shared := b.services(s.StartTimeout)
	for i := range n {
		source, own := b.stderrLog.Source(""), shared
		own.Stdout, own.Stderr = source.Stream("stdout"), source.Stream("stderr")
		if n > 1 || len(b.sidecars) > 0 {
			own.Owner = process.SlotOwner(i + 1)
		}
		if err := b.addSlot(s, adapters.New(function, own), own.Owner, source); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) warnOfFewerSlots(n int) {
	if n >= int(b.Concurrency) {
		return
	}
	from := b.platform.Concurrency
	if os.Getenv(from) == "" {
		from += ", which is not set"
	}
	b.logger.Warn("the platform allows fewer events at the same time", "wanted", int(b.Concurrency), "given", n, "from", from)
}

// services returns the services that all slots share.
func (b *builder) services(startTimeout time.Duration) adapters.Services {
	return adapters.Services{
		Getenv:  os.Getenv,
		Environ: os.Environ(),
		Logger:  b.logger,
		Owner:   process.Anybody,
		Mask:    b.mask,
		Init:    &adapters.Init{Command: b.InitCommand, Began: time.Now(), Timeout: startTimeout},
		Temp:    &temp.Folder{},
	}
}

func (b *builder) addSlot(s *supervisor.Supervisor, a supervisor.Adapter, owner process.Owner, source *logs.Source) error {
	client, err := protocol.NewClient(b.platform, os.Getenv)
	if err != nil {
		return err
	}
	client.Timeout = time.Duration(b.Timeout)
	client.Lost = func(call string, err error) { b.logger.Warn("retrying a call", "call", call, "error", err) }
	s.Slots = append(s.Slots, supervisor.Slot{Client: client, Adapter: a, Owner: owner, Source: source})
	return nil
}

// function returns what to run, and how.
func (b *builder) function() adapters.Settings {
	return adapters.Settings{
		Platform:        b.platform,
		Command:         b.Command,
		Handler:         os.Getenv(b.platform.Handler),
		Dir:             b.dir,
		Delivery:        adapters.Delivery(b.Delivery),
		ResultFD3:       b.Result == "fd3",
		ExitCodes:       b.ExitCodes,
		FailOnStderr:    b.Stderr == "fail",
		Keep:            b.Leftovers == "keep",
		Worker:          b.Adapter == "worker",
		Standby:         b.Standby,
		PTY:             b.Pty,
		LogFormat:       b.LogFormat,
		Interpreters:    map[string]string{"python3": b.Python, "node": b.Node},
		StartTimeout:    time.Duration(b.StartTimeout),
		MaxEvents:       int(b.WorkerMaxEvents),
		MaxMemory:       int(b.WorkerMaxMemory) << 20,
		PassCredentials: b.PassCredentials,
		TempPerEvent:    b.TmpdirPerEvent,
		Secrets:         b.Secrets,
	}
}

// logStart logs in one line what will run, and its time limits.
func (b *builder) logStart(function adapters.Settings, slots int) {
	adapter, command := function.Describe()
	fields := append([]any{"platform", b.platform.Name, "adapter", adapter, "command", command}, b.limits(b.platform, os.Getenv)...)
	if slots > 1 {
		origin := b.platform.Concurrency
		if slots == int(b.Concurrency) {
			origin = b.Origin(prefix + "_CONCURRENCY")
		}
		fields = append(fields, "concurrency", fmt.Sprintf("%d (%s)", slots, origin))
	}
	b.logger.Info("starting", fields...)
	if limit := b.platform.StopLimit; limit > 0 && time.Duration(b.StopTimeout) > limit {
		b.logger.Warn("the platform may kill the runtime before it has stopped", "option", prefix+"_STOP_TIMEOUT", "wanted", time.Duration(b.StopTimeout).String(), "given", limit.String())
	}
}
