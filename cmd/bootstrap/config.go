package main

import (
	"errors"
	"fmt"
	"os"

	"bootstrap/adapters"

	"github.com/kelseyhightower/envconfig"
)

const prefix = "BOOTSTRAP"

// Config is every option, each a variable BOOTSTRAP_…; nothing else reads
// them. The help text and the README's table come from its tags. An
// envconfig tag must not be added: it makes the variable without the prefix
// count, too (kelseyhightower/envconfig#14).
type Config struct {
	Command         string    `desc:"what to run instead of the handler: a JSON array of arguments, or a command line for /bin/sh"`
	Adapter         adapter   `default:"auto" desc:"how the command is run: auto (once for each event), or worker (it stays, and takes its events as frames)"`
	Delivery        delivery  `default:"stdin" desc:"how a program gets its event: stdin, argv (as its last argument) or file (the path as its last argument)"`
	Result          result    `default:"stdout" desc:"where the command writes its result: stdout, or fd3 (descriptor 3; stdout is a log, then)"`
	ExitCodes       exitCodes `split_words:"true" desc:"what exit statuses mean, such as 3=ok,75=Function.Retry: a result, or a failure of that type"`
	Stderr          stderr    `default:"log" desc:"what output on stderr means: log, or fail (the event failed)"`
	Timeout         duration  `default:"0s" desc:"limit of an event, such as 10s or 500ms, where it is shorter than the platform's, or the platform has none; 0: the platform's"`
	Margin          duration  `default:"0s" desc:"how long before its limit an event is ended, to report that; 0: a tenth of the limit, from 100ms to 1s"`
	Grace           duration  `default:"5s" desc:"how long the event in hand may go on when the runtime is told to stop (SIGTERM)"`
	Leftovers       leftovers `default:"end" desc:"what happens to processes that an event leaves behind: end, or keep (they run on)"`
	Standby         bool      `default:"false" desc:"start the program for the next event ahead of it; it waits on its stdin, without the variables of its event"`
	Pty             bool      `default:"false" desc:"what is logged comes through a terminal, so that programs do not hold it back"`
	Python          string    `desc:"the interpreter for functions in Python; empty: python3 in PATH"`
	Node            string    `desc:"the interpreter for functions in JavaScript; empty: node in PATH"`
	StartTimeout    duration  `split_words:"true" default:"1m" desc:"how long a script or a worker may take to be ready; 0: as long as the platform waits"`
	WorkerMaxEvents count     `split_words:"true" default:"0" desc:"after so many events a worker, or the host of a Python or Node function, is replaced; 0: never"`
	WorkerMaxMemory megabytes `split_words:"true" default:"0MB" desc:"a worker, or such a host, that holds more after an event, such as 200MB, is replaced; 0: never"`
	PassCredentials bool      `split_words:"true" default:"false" desc:"give the command the credentials that come with an event (FunctionGraph), as FUNCTION_ACCESS_KEY and so on; functions have context.getAccessKey()"`
	Platform        platform  `desc:"scf, functiongraph or lambda, where the environment does not tell them apart"`
	LogLevel        logLevel  `split_words:"true" default:"info" desc:"of bootstrap's own log, on stderr: debug, info, warn, error or off"`
}

// readConfig reads the whole configuration. Its error holds all complaints.
func readConfig() (*Config, error) {
	var c Config
	var complaints []error
	for {
		err := envconfig.Process(prefix, &c)
		bad, ok := errors.AsType[*envconfig.ParseError](err)
		if !ok {
			return &c, errors.Join(append(append(complaints, err), c.contradictions()...)...)
		}
		complaints = append(complaints, complaint(bad))
		// Process stops at the first. Without that variable it comes to
		// the next one; we will exit in any case.
		if err := os.Unsetenv(bad.KeyName); err != nil {
			return nil, err
		}
	}
}

// contradictions are options that do not go together.
func (c *Config) contradictions() (all []error) {
	if c.Standby && c.Delivery != delivery(adapters.Stdin) {
		all = append(all, fmt.Errorf("%s_STANDBY is true, but %s_DELIVERY is %q: a process that is started ahead can get its event on stdin only", prefix, prefix, c.Delivery))
	}
	if c.Standby && c.PassCredentials {
		all = append(all, fmt.Errorf("%s_STANDBY is true, and so is %s_PASS_CREDENTIALS: a process that is started ahead cannot get what comes with its event", prefix, prefix))
	}
	if c.Adapter == "worker" && c.Standby {
		all = append(all, fmt.Errorf("%s_STANDBY is true, but %s_ADAPTER is \"worker\", which stays anyway: leave one out", prefix, prefix))
	}
	if c.Adapter == "worker" && (c.Delivery != delivery(adapters.Stdin) || c.Result != "stdout") {
		all = append(all, fmt.Errorf("%s_ADAPTER is \"worker\", whose frames are on stdin and descriptor 3: leave out %s_DELIVERY and %s_RESULT", prefix, prefix, prefix))
	}
	return all
}

func complaint(bad *envconfig.ParseError) error {
	want := bad.Err.Error()
	if bad.TypeName == "bool" {
		want = "want true or false"
	}
	return fmt.Errorf("%s is %q: %s", bad.KeyName, bad.Value, want)
}
