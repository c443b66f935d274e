package huawei

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

const (
	customRuntime  = "Custom"
	defaultPackage = "default"

	minTimeout     = 3   // seconds
	maxVariables   = 20  // in user_data
	maxDescription = 512 // characters
)

var limits = local.LimitsOf(protocol.FunctionGraph)

// memorySizes are the amounts of memory that a function may have, in MB
// (support.huaweicloud.com/api-functiongraph/functiongraph_06_0125.html).
var memorySizes = []int{128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 8192, 10240}

// validName is the documented form of a name.
var validName = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?$`)

// A configuration is what a request says about a function. What may be left out is a
// pointer.
type configuration struct {
	Runtime            string    `json:"runtime"`
	Timeout            int       `json:"timeout"`
	Handler            string    `json:"handler"`
	MemorySize         int       `json:"memory_size"`
	UserData           *string   `json:"user_data"`
	EncryptedUserData  string    `json:"encrypted_user_data"`
	Description        *string   `json:"description"`
	InitializerHandler string    `json:"initializer_handler"`
	InitializerTimeout *int      `json:"initializer_timeout"`
	Strategy           *strategy `json:"strategy_config"`
}

// apply changes settings. It returns a failure for what the vendor refuses, and for what
// the local platform cannot do.
func (c *configuration) apply(s *local.Settings) error {
	if err := c.check(); err != nil {
		return err
	}
	s.Runtime, s.Handler, s.MemoryMB = c.Runtime, c.Handler, c.MemorySize
	s.Timeout = time.Duration(c.Timeout) * time.Second
	if c.Description != nil {
		s.Description = *c.Description
	}
	if c.InitializerTimeout != nil {
		s.InitTimeout = time.Duration(*c.InitializerTimeout) * time.Second
	}
	if c.Strategy != nil {
		s.Instances = max(c.Strategy.Concurrency, 0)
	}
	if c.UserData == nil {
		return nil
	}
	env, err := variables(*c.UserData)
	s.Env = env
	return err
}

func (c *configuration) check() error {
	if err := checkRuntime(c.Runtime); err != nil {
		return err
	}
	switch {
	case !strings.Contains(c.Handler, "."):
		return errHandler.because("%q: FunctionGraph expects a dot in it, such as in index.main_handler or ./program.", c.Handler)
	case !slices.Contains(memorySizes, c.MemorySize):
		return errMemory.because("%d: expected one of %d MB.", c.MemorySize, memorySizes)
	case c.Timeout < minTimeout || c.Timeout > limits.Timeout:
		return errTimeout.because("%d: expected %d to %d seconds.", c.Timeout, minTimeout, limits.Timeout)
	case c.InitializerTimeout != nil && (*c.InitializerTimeout < 0 || *c.InitializerTimeout > limits.InitTimeout):
		return errTimeout.because("%d: expected an initializer_timeout of at most %d seconds.", *c.InitializerTimeout, limits.InitTimeout)
	case c.Description != nil && utf8.RuneCountInString(*c.Description) > maxDescription:
		return errDescription.because("It has more than %d characters.", maxDescription)
	case c.InitializerHandler != "":
		return errParameter.because("initializer_handler: the local platform calls no initializer. Initialize before the first poll for an event.")
	case c.EncryptedUserData != "" && c.EncryptedUserData != "{}":
		return errParameter.because("encrypted_user_data: the local platform does not encrypt. Set the variables in user_data.")
	}
	return c.Strategy.check()
}

func checkRuntime(runtime string) error {
	switch runtime {
	case customRuntime:
		return nil
	case "http":
		return errRuntime.because("An HTTP function is a web server on port 8000, which the local platform does not run. " +
			"Create an event function: set runtime to Custom.")
	}
	return errRuntime.because("%q: the local platform runs only the runtime Custom.", runtime)
}

// check refuses what the local platform cannot do. The strategy may be nil.
func (s *strategy) check() error {
	switch {
	case s == nil:
		return nil
	case s.Concurrency == 0:
		return errConcurrency.because("concurrency 0 disables a function, which the local platform cannot do. Delete the function.")
	case s.Concurrency < -1 || s.Concurrency > 1000:
		return errConcurrency.because("%d: expected -1, or 1 to 1000 instances.", s.Concurrency)
	case s.ConcurrentNum > 1:
		return errConcurrency.because("concurrent_num %d: the local platform sends an instance one event at a time.", s.ConcurrentNum)
	}
	return nil
}

// variables reads user_data, a JSON object of strings.
func variables(userData string) ([]string, error) {
	if userData == "" {
		return nil, nil
	}
	var all map[string]string
	if err := json.Unmarshal([]byte(userData), &all); err != nil {
		return nil, errUserData.because(`user_data: expected a JSON object of strings, such as {"NAME":"value"}: %v.`, err)
	}
	if len(all) > maxVariables {
		return nil, errVariables.because("There are %d.", len(all))
	}
	var env []string
	total := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(all[name], 0) {
			return nil, errUserData.because("%q: expected a name without = and a value without zero bytes.", name)
		}
		env = append(env, name+"="+all[name])
		total += len(name) + len(all[name])
	}
	if total > limits.Env {
		return nil, errUserSize.because("It has %d bytes.", total)
	}
	return env, nil
}
