package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"bootstrap/adapters"

	"github.com/kelseyhightower/envconfig"
)

const prefix = "BOOTSTRAP"

// Config holds all options. Each is a variable BOOTSTRAP_… that nothing else
// reads. The help text and the table of options come from the tags: "private"
// keeps the value out of errors, and "one" lists the allowed values. There must
// be no envconfig tag: it makes the variable without the prefix count, too
// (kelseyhightower/envconfig#14).
type Config struct {
	Command         string        `private:"true" desc:"what to run instead of the handler: a JSON array of arguments, or a command line for bash, or sh where there is no bash"`
	Adapter         string        `one:"auto,worker" default:"auto" desc:"how the command runs: auto (once for each event), or worker (it keeps running and gets each event as a frame)"`
	Python          string        `desc:"interpreter of Python functions; empty: python3 in PATH"`
	Node            string        `desc:"interpreter of JavaScript functions; empty: node in PATH"`
	Delivery        string        `one:"stdin,argv,file" default:"stdin" desc:"how a program gets its event: stdin, argv (as its last argument) or file (the path as its last argument)"`
	Result          string        `one:"stdout,fd3" default:"stdout" desc:"where the command writes its result: stdout, or fd3 (descriptor 3; stdout is logged)"`
	ExitCodes       exitCodes     `split_words:"true" desc:"meaning of exit statuses, such as 3=ok,75=Function.Retry: a result, or a failure of that type"`
	Stderr          string        `one:"log,fail" default:"log" desc:"meaning of output on stderr: log, or fail (the event fails)"`
	Concurrency     concurrency   `default:"0" desc:"number of events at the same time, not on SCF; 0: the number that the platform sets (AWS_LAMBDA_MAX_CONCURRENCY), else 1"`
	PassCredentials bool          `split_words:"true" default:"false" desc:"give the command the credentials of an event (FunctionGraph) as FUNCTION_ACCESS_KEY and so on; functions have context.getAccessKey()"`
	Timeout         duration      `default:"0s" desc:"time limit of an event, such as 10s or 500ms; a shorter limit of the platform wins; 0: the platform's"`
	Margin          duration      `default:"0s" desc:"how long before its time limit an event is stopped, to report the timeout; at most half of the limit; 0: a tenth of it, from 100ms to 1s"`
	StartTimeout    duration      `split_words:"true" default:"1m" desc:"time limit of BOOTSTRAP_WAIT_FOR and BOOTSTRAP_INIT_COMMAND together; a separate limit of the same length applies to the start of a script or a worker; 0: as long as the platform waits. Lambda kills a start after 10s, so there BOOTSTRAP_WAIT_FOR and BOOTSTRAP_INIT_COMMAND have 8.5s by default"`
	Grace           duration      `default:"5s" desc:"how long after SIGTERM the current event (for at most half of BOOTSTRAP_STOP_TIMEOUT), and then each sidecar, may continue; 0: they are stopped at once"`
	StopTimeout     duration      `split_words:"true" default:"0s" desc:"time limit of the whole stop: current event, command, sidecars, BOOTSTRAP_STOP_COMMAND; 0: the platform's (500ms on Lambda), else 10s"`
	Standby         bool          `default:"false" desc:"start the program for the next event in advance: it waits on stdin, and does not get the variables of the event"`
	Leftovers       string        `one:"end,keep" default:"end" desc:"processes that an event leaves behind: end (kill them), or keep (let them continue)"`
	TmpdirPerEvent  bool          `split_words:"true" default:"false" desc:"give each event its own folder as TMPDIR, and delete it after the event, even if it is still in use by processes that BOOTSTRAP_LEFTOVERS keeps"`
	WorkerMaxEvents count         `split_words:"true" default:"0" desc:"replace a worker, or the host of a Python or Node function, after this number of events; 0: never"`
	WorkerMaxMemory megabytes     `split_words:"true" default:"0MB" desc:"after an event, replace a worker, or the host of a Python or Node function, that holds more memory than this, such as 200MB; 0: never"`
	InitCommand     string        `private:"true" split_words:"true" desc:"runs once, to completion, before the function starts: a JSON array or a command line, like BOOTSTRAP_COMMAND; lines NAME=value that it writes to $BOOTSTRAP_ENV_FILE become variables of the function"`
	WaitFor         addresses     `private:"true" split_words:"true" desc:"addresses that must answer before the function starts, separated by commas: tcp://host:port, unix:///path or http://host:port/path"`
	OnInitFailure   string        `one:"exit,answer" split_words:"true" default:"exit" desc:"after a failed start, or with a wrong configuration: exit, or answer (each event fails with the reason)"`
	Sidecars        string        `desc:"a Procfile in the code folder: each line is NAME: COMMAND, a command that runs beside the function"`
	SidecarPolicy   string        `one:"restart,fail" split_words:"true" default:"restart" desc:"when a sidecar exits: restart (it is restarted, with growing pauses), or fail (the runtime exits after the current event, with status 1)"`
	StopCommand     string        `private:"true" split_words:"true" desc:"runs at the end of a stop: a JSON array or a command line, like BOOTSTRAP_COMMAND"`
	LogLevel        logLevel      `split_words:"true" default:"info" desc:"level of bootstrap's own log, on stderr: debug, info, warn, error or off; on Lambda the default is AWS_LAMBDA_LOG_LEVEL"`
	LogFormat       string        `one:"text,json" split_words:"true" default:"text" desc:"format of everything that is logged: text (the lines of a command stay unchanged), or json (an object on each line); on Lambda the default is AWS_LAMBDA_LOG_FORMAT"`
	LogPrefix       bool          `split_words:"true" default:"false" desc:"begin each line that a command logs with the request id of its event; always on if the format is text and several events run at the same time"`
	Secrets         variableNames `private:"true" desc:"names of variables, separated by commas, whose values appear as *** in bootstrap's own lines and in failures"`
	Pty             bool          `default:"false" desc:"let commands log to a terminal, so that they write each line at once; where the sandbox has no terminals, they get a pipe"`
	Platform        platform      `desc:"the platform: scf, functiongraph or lambda; needed only if the environment does not show it"`

	settings map[string]setting // each BOOTSTRAP_… that is set, even unknown ones
}

// A setting is the value of a variable, and its origin: "environment", or
// envFile and a line number.
type setting struct{ value, origin string }

// Origin returns where the option with that name was set, or "default".
func (c *Config) Origin(name string) string {
	if g, ok := c.settings[name]; ok {
		return g.origin
	}
	return "default"
}

// readConfig reads the configuration from the environment and from envFile in dir.
// It sets the variables of envFile that are not set yet. Its error joins all
// problems.
func readConfig(dir string) (*Config, error) {
	origins, errs := loadEnvFile(dir)
	c := Config{settings: findSettings(os.Environ(), origins)}
	for {
		err := envconfig.Process(prefix, &c)
		bad, ok := errors.AsType[*envconfig.ParseError](err)
		if !ok {
			err = errors.Join(slices.Concat(errs, []error{err}, c.invalidChoices(), c.conflicts())...)
			c.adoptVendorLogs(os.Getenv)
			return &c, err
		}
		errs = append(errs, c.parseError(bad))
		// Process stops at the first error, and without that variable at the next
		// one. The function does not run with a wrong configuration, so nothing
		// misses the variable.
		if err := os.Unsetenv(bad.KeyName); err != nil {
			return &c, errors.Join(append(errs, err)...)
		}
	}
}

// findSettings finds our variables among NAME=value. origins holds the origin of
// each variable that came from envFile.
func findSettings(environ []string, origins map[string]string) map[string]setting {
	all := map[string]setting{}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, prefix+"_") {
			continue
		}
		all[name] = setting{value, "environment"}
		if origin, ok := origins[name]; ok {
			all[name] = setting{value, origin}
		}
	}
	return all
}

func (c *Config) parseError(bad *envconfig.ParseError) error {
	expected := bad.Err.Error()
	if bad.TypeName == "bool" {
		expected = "expected true or false"
	}
	return fmt.Errorf("%s: %s", c.quoted(bad.KeyName), expected)
}

// quoted returns an option and its value as the user has set it.
func (c *Config) quoted(name string) string {
	g, ok := c.settings[name]
	switch {
	case !ok:
		return name + " is not set"
	case isPrivate(name):
		return fmt.Sprintf("%s (%s)", name, g.origin)
	}
	return fmt.Sprintf("%s is %q (%s)", name, g.value, g.origin)
}

// invalidChoices returns an error for each option with a value that is not
// allowed. It sets the option to its default, to avoid further errors.
func (c *Config) invalidChoices() (all []error) {
	values := reflect.ValueOf(c).Elem()
	for i := range values.NumField() {
		field := values.Type().Field(i)
		choices := field.Tag.Get("one")
		if choices == "" {
			continue
		}
		if err := oneOf(values.Field(i).String(), strings.Split(choices, ",")...); err != nil {
			all = append(all, fmt.Errorf("%s: %w", c.quoted(optionName(field)), err))
			values.Field(i).SetString(field.Tag.Get("default"))
		}
	}
	return all
}

// conflicts returns an error for each pair of options that exclude each other.
func (c *Config) conflicts() (all []error) {
	worker, stdin := c.Adapter == "worker", c.Delivery == string(adapters.Stdin)
	for _, rule := range []struct {
		broken   bool
		name     string
		but, why string
	}{
		{c.Standby && !stdin, "STANDBY", "DELIVERY", "a program that is started in advance gets its event on stdin only"},
		{c.Standby && c.PassCredentials, "STANDBY", "PASS_CREDENTIALS", "a program that is started in advance cannot get the credentials of its event"},
		{c.Standby && worker, "STANDBY", "ADAPTER", "a worker keeps running anyway: remove one of the two"},
		{worker && !stdin, "ADAPTER", "DELIVERY", "a worker's events are frames on stdin: remove one of the two"},
		{worker && c.Result != "stdout", "ADAPTER", "RESULT", "a worker's results are frames on descriptor 3: remove one of the two"},
		{c.SidecarPolicy == "fail" && c.Sidecars == "", "SIDECAR_POLICY", "SIDECARS", "there are no sidecars"},
		{c.LogPrefix && c.LogFormat == "json", "LOG_PREFIX", "LOG_FORMAT", "JSON lines have the request id as a key: remove the prefix"},
	} {
		if rule.broken {
			all = append(all, fmt.Errorf("%s, but %s: %s", c.quoted(prefix+"_"+rule.name), c.quoted(prefix+"_"+rule.but), rule.why))
		}
	}
	return all
}
