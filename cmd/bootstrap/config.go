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

// Config is every option, each a variable BOOTSTRAP_…; nothing else reads
// them. The help text and the README's table come from its tags; what is
// tagged private is told whole in no complaint, and what is tagged one has one
// of those values. An envconfig tag must not be added: it makes the variable
// without the prefix count, too (kelseyhightower/envconfig#14).
type Config struct {
	Command         string        `private:"true" desc:"what to run instead of the handler: a JSON array of arguments, or a command line for /bin/sh"`
	Adapter         string        `one:"auto,worker" default:"auto" desc:"how the command is run: auto (once for each event), or worker (it stays, and takes its events as frames)"`
	Python          string        `desc:"the interpreter for functions in Python; empty: python3 in PATH"`
	Node            string        `desc:"the interpreter for functions in JavaScript; empty: node in PATH"`
	Delivery        string        `one:"stdin,argv,file" default:"stdin" desc:"how a program gets its event: stdin, argv (as its last argument) or file (the path as its last argument)"`
	Result          string        `one:"stdout,fd3" default:"stdout" desc:"where the command writes its result: stdout, or fd3 (descriptor 3; stdout is a log, then)"`
	ExitCodes       exitCodes     `split_words:"true" desc:"what exit statuses mean, such as 3=ok,75=Function.Retry: a result, or a failure of that type"`
	Stderr          string        `one:"log,fail" default:"log" desc:"what output on stderr means: log, or fail (the event failed)"`
	Concurrency     concurrency   `default:"0" desc:"events at the same time, not on SCF; 0: as many as the platform says (AWS_LAMBDA_MAX_CONCURRENCY), else 1"`
	PassCredentials bool          `split_words:"true" default:"false" desc:"give the command the credentials that come with an event (FunctionGraph), as FUNCTION_ACCESS_KEY and so on; functions have context.getAccessKey()"`
	Timeout         duration      `default:"0s" desc:"limit of an event, such as 10s or 500ms, where it is shorter than the platform's, or the platform has none; 0: the platform's"`
	Margin          duration      `default:"0s" desc:"how long before its limit an event is ended, to report that; at most half of it; 0: a tenth of it, from 100ms to 1s"`
	StartTimeout    duration      `split_words:"true" default:"1m" desc:"how long BOOTSTRAP_WAIT_FOR and BOOTSTRAP_INIT_COMMAND may take together (by default 8.5s on Lambda, which ends a start after 10s), and then a script or a worker; 0: as long as the platform waits"`
	Grace           duration      `default:"5s" desc:"how long the event in hand, and then each sidecar, may go on when the runtime is told to stop (SIGTERM), the event at most half of BOOTSTRAP_STOP_TIMEOUT; 0: they are ended at once"`
	StopTimeout     duration      `split_words:"true" default:"0s" desc:"limit of the whole stop: the event in hand, the command, sidecars, BOOTSTRAP_STOP_COMMAND; 0: the platform's (500ms on Lambda), else 10s"`
	Standby         bool          `default:"false" desc:"start the program for the next event ahead of it; it waits on its stdin, without the variables of its event"`
	Leftovers       string        `one:"end,keep" default:"end" desc:"what happens to processes that an event leaves behind: end, or keep (they run on)"`
	TmpdirPerEvent  bool          `split_words:"true" default:"false" desc:"give each event a folder of its own as TMPDIR, which is removed after it, also under processes that are kept"`
	WorkerMaxEvents count         `split_words:"true" default:"0" desc:"after so many events a worker, or the host of a Python or Node function, is replaced; 0: never"`
	WorkerMaxMemory megabytes     `split_words:"true" default:"0MB" desc:"a worker, or such a host, that holds more after an event, such as 200MB, is replaced; 0: never"`
	InitCommand     string        `private:"true" split_words:"true" desc:"run once, to its end, before the function starts: a JSON array or a command line, as BOOTSTRAP_COMMAND; lines NAME=value that it writes to $BOOTSTRAP_ENV_FILE become variables of the function"`
	WaitFor         addresses     `private:"true" split_words:"true" desc:"what must answer before the function starts: tcp://host:port, unix:///path or http://host:port/path, with commas between them"`
	OnInitFailure   string        `one:"exit,answer" split_words:"true" default:"exit" desc:"after a failed start, or with a wrong configuration: exit, or answer (each event fails with the reason)"`
	Sidecars        string        `desc:"a file in the code folder with commands to run beside the function, name: command on each line (Procfile)"`
	SidecarPolicy   string        `one:"restart,fail" split_words:"true" default:"restart" desc:"when a sidecar ends: restart (it is started again, after a growing pause), or fail (the runtime ends after the event in hand, with exit status 1)"`
	StopCommand     string        `private:"true" split_words:"true" desc:"run last, once all else has ended: a JSON array or a command line, as BOOTSTRAP_COMMAND"`
	LogLevel        logLevel      `split_words:"true" default:"info" desc:"of bootstrap's own log, on stderr: debug, info, warn, error or off"`
	LogFormat       string        `one:"text,json" split_words:"true" default:"text" desc:"of all that is logged: text (what a command logs stays as it is), or json (an object on each line)"`
	LogPrefix       bool          `split_words:"true" default:"false" desc:"begin each line that a command logs with the request id of its event; so it is anyway, in text, with several events at the same time"`
	Secrets         variableNames `private:"true" desc:"names of variables, with commas between them, whose values are *** in bootstrap's own lines and in failures"`
	Pty             bool          `default:"false" desc:"what is logged comes through a terminal, so that programs do not hold it back; through a pipe where the sandbox has no terminals"`
	Platform        platform      `desc:"scf, functiongraph or lambda, where the environment does not tell them apart"`

	settings map[string]setting // each BOOTSTRAP_… that is set, known or not
}

// A given is a variable that somebody set, and where: "environment", or
// envFile and a line.
type setting struct{ value, origin string }

// Origin is where the option of that name, with its prefix, was set, or
// "default".
func (c *Config) Origin(name string) string {
	if g, ok := c.settings[name]; ok {
		return g.origin
	}
	return "default"
}

// readConfig reads the whole configuration: the environment and, for what is
// not in it, envFile in dir, whose variables it sets. Its error holds all
// complaints.
func readConfig(dir string) (*Config, error) {
	origins, complaints := loadEnvFile(dir)
	c := Config{settings: findSettings(os.Environ(), origins)}
	for {
		err := envconfig.Process(prefix, &c)
		bad, ok := errors.AsType[*envconfig.ParseError](err)
		if !ok {
			return &c, errors.Join(slices.Concat(complaints, []error{err}, c.invalidChoices(), c.conflicts())...)
		}
		complaints = append(complaints, c.parseError(bad))
		// Process stops at the first. Without that variable it comes to
		// the next one; we will exit in any case.
		if err := os.Unsetenv(bad.KeyName); err != nil {
			return nil, err
		}
	}
}

// findSettings finds ours among NAME=value. Origins are of those from envFile.
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
	want := bad.Err.Error()
	if bad.TypeName == "bool" {
		want = "want true or false"
	}
	return fmt.Errorf("%s: %s", c.quoted(bad.KeyName), want)
}

// quoted is an option as its user set it.
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

// invalidChoices are the options with a value that they do not have. They get
// their default, so that nothing else complains of them.
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

// conflicts are options that do not go together.
func (c *Config) conflicts() (all []error) {
	worker, stdin := c.Adapter == "worker", c.Delivery == string(adapters.Stdin)
	for _, rule := range []struct {
		broken   bool
		name     string
		but, why string
	}{
		{c.Standby && !stdin, "STANDBY", "DELIVERY", "a process that is started ahead can get its event on stdin only"},
		{c.Standby && c.PassCredentials, "STANDBY", "PASS_CREDENTIALS", "a process that is started ahead cannot get what comes with its event"},
		{c.Standby && worker, "STANDBY", "ADAPTER", "a worker stays anyway: leave one out"},
		{worker && !stdin, "ADAPTER", "DELIVERY", "a worker's events are frames on stdin: leave one out"},
		{worker && c.Result != "stdout", "ADAPTER", "RESULT", "a worker's results are frames on descriptor 3: leave one out"},
		{c.SidecarPolicy == "fail" && c.Sidecars == "", "SIDECAR_POLICY", "SIDECARS", "there is no sidecar that could end"},
		{c.LogPrefix && c.LogFormat == "json", "LOG_PREFIX", "LOG_FORMAT", "in JSON the event is a key: leave the prefix out"},
	} {
		if rule.broken {
			all = append(all, fmt.Errorf("%s, but %s: %s", c.quoted(prefix+"_"+rule.name), c.quoted(prefix+"_"+rule.but), rule.why))
		}
	}
	return all
}
