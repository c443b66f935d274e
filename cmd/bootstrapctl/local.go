//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/api"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/screen"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator/faults"
)

const localText = `Run functions on a local platform until Ctrl-C, for curl and for the vendors' SDKs. A
function is a folder or a zip. Without DIR or ZIP, local runs the functions of the deploy
file in this folder (serverless.yml, template.yaml or s.yaml). Without a deploy file, this
folder is the function. bootstrapctl sends nothing to other machines.`

// A localRun holds the flags of local.
type localRun struct {
	deployment
	file, address, runtime string
	memory                 int
	instances, queue       int
	idle                   time.Duration
	hosts, keys, fault     string
	faults                 *faults.Set // parsed; nil: none
	freeze                 bool
	watch, timers, verbose bool
}

func (l *localRun) flags(stderr io.Writer) *flag.FlagSet {
	f := newFlags("local", "[flags] [DIR | ZIP ...]", localText, stderr)
	l.deployment.flags(f)
	f.StringVar(&l.file, "f", "", "the deploy `file`: serverless.yml, template.yaml or s.yaml")
	f.StringVar(&l.address, "addr", "127.0.0.1:9000", "the `address` to listen on; port 0 takes a free port")
	f.StringVar(&l.hosts, "host", "", "other `names` of this machine that requests may use, separated by commas")
	f.StringVar(&l.runtime, "runtime", "", "the `command` to run as the runtime (default: bootstrap from the folder, or that of bootstrapctl)")
	numberFlag(f, &l.memory, "memory", 128, "the function's memory in `MB`")
	numberFlag(f, &l.instances, "instances", 4, "maximum `number` of instances of a function")
	numberFlag(f, &l.queue, "queue", 100, "maximum `number` of waiting calls for each function; further calls get the status 429")
	durationFlag(f, &l.idle, "idle", 5*time.Minute, "how long an instance keeps running after its last event")
	f.StringVar(&l.keys, "keys", "", "a `file` with access keys, ID:SECRET on each line; every call needs a key, except calls of triggers")
	f.BoolVar(&l.freeze, "freeze", false, "suspend the processes of a function between events, as the clouds do")
	f.StringVar(&l.fault, "fault", "", "make the platform fail on purpose: a `list` of faults such as next-500=3,slow-body; -fault help explains them")
	f.BoolVar(&l.watch, "watch", false, "restart a function when its code changes; running events finish with the old code")
	f.BoolVar(&l.timers, "timers", false, "fire timers at their scheduled times")
	f.BoolVar(&l.verbose, "v", false, "show the runtime's own log lines")
	return f
}

// runLocal runs the subcommand local.
func runLocal(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var l localRun
	flags := l.flags(stderr)
	rest, status, ok := parse(flags, args)
	if !ok {
		return status
	}
	if l.fault == "help" {
		fmt.Fprint(stdout, faults.Help())
		return exitResult
	}
	platform, err := l.check()
	functions, err2 := l.functions(flags, platform, rest)
	if err := joinLines(err, err2); err != nil {
		fmt.Fprintf(stderr, "bootstrapctl local: %v\n", err)
		return exitUsage
	}
	if err := l.run(ctx, functions, stdin, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bootstrapctl local: %v\n", err)
		return exitFailure
	}
	return exitResult
}

// check returns the platform, and an error that lists all invalid flags.
func (l *localRun) check() (*protocol.Platform, error) {
	platform, err := l.deployment.check()
	wrong := []error{err}
	for _, limit := range []struct {
		name   string
		number int
	}{{"memory", l.memory}, {"instances", l.instances}, {"idle", int(l.idle)}} {
		if limit.number <= 0 {
			wrong = append(wrong, fmt.Errorf("-%s must be more than 0", limit.name))
		}
	}
	if l.queue < 0 {
		wrong = append(wrong, errors.New("-queue must not be less than 0"))
	}
	if host, _, err := net.SplitHostPort(l.address); err != nil || host == "" {
		wrong = append(wrong, fmt.Errorf("-addr %q: expected host:port, such as 127.0.0.1:9000", l.address))
	}
	if l.fault != "" {
		var err error
		if l.faults, err = faults.Parse(l.fault); err != nil {
			wrong = append(wrong, fmt.Errorf("-fault: %w; \"bootstrapctl local -fault help\" lists the faults", err))
		}
	}
	return platform, errors.Join(wrong...)
}

// run serves the functions until ctx ends.
func (l *localRun) run(ctx context.Context, functions []localFunction, stdin io.Reader, stdout, stderr io.Writer) error {
	keys, err := readKeysFile(l.keys)
	if err != nil {
		return err
	}
	names := strings.FieldsFunc(l.hosts, func(r rune) bool { return r == ',' || r == ' ' })
	host, _, _ := net.SplitHostPort(l.address) // check has refused an invalid address
	certificate, pem, err := api.NewCertificate(append(slices.Clone(names), host))
	if err != nil {
		return err
	}
	plain, err := net.Listen("tcp", l.address)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another address with -addr", l.address, err)
	}
	defer plain.Close()
	cloud, err := openCloud(ctx, l, screen.NewBoard(stderr, l.verbose, os.Getenv))
	if err != nil {
		return err
	}
	server := newServer(api.New(cloud.Cloud, api.Options{Hosts: names, Certificate: pem, Keys: keys}))
	defer server.Close()
	defer cloud.close() // before the server closes, so that running events are still answered
	for _, f := range functions {
		if err := cloud.create(f); err != nil {
			return err
		}
	}
	cloud.begin(ctx)                                                 // before the first event, whose files a watcher must not take for code
	go func() { _ = server.Serve(api.Listen(plain, certificate)) }() // ends in Close
	fmt.Fprintf(stdout, "listening on http://%s\n", plain.Addr())
	cloud.welcome(plain.Addr())
	cloud.obeyKeys(ctx, stdin)
	return nil
}

// newServer returns a server that bounds how long it waits for a client, and for
// how much.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    256 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // the caller of a broken request gets the error
	}
}

// readKeysFile returns the access keys in a file, or nil if name is empty.
func readKeysFile(name string) (keys []local.Key, err error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the keys: %w", err)
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, secret, ok := strings.Cut(line, ":")
		if !ok || id == "" || secret == "" {
			return nil, fmt.Errorf("cannot read the keys: %s:%d: expected ID:SECRET", name, number)
		}
		keys = append(keys, local.Key{ID: id, Secret: secret})
	}
	if keys == nil {
		return nil, fmt.Errorf("cannot read the keys: %s has none", name)
	}
	return keys, nil
}
