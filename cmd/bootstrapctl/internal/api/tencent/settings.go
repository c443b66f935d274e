package tencent

import (
	"regexp"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// A configuration is what calls set in a function. The local platform ignores what only
// matters in the cloud.
type configuration struct {
	Description, Runtime             *string
	MemorySize, Timeout, InitTimeout *int64
	Environment                      *environment

	Layers    []any
	CfsConfig any

	VpcConfig, Role, ClsLogsetId, ClsTopicId, InstallDependency, DeadLetterConfig, PublicNetConfig any
	ProtocolParams, InstanceConcurrencyConfig, DnsCache, IntranetConfig                            any
}

type environment struct{ Variables []variable }

type variable struct{ Key, Value string }

// customRuntime is the runtime of functions that have their own.
const customRuntime = "CustomRuntime"

// check checks the settings that a call has.
func (c *configuration) check() error {
	for _, check := range []func() error{c.checkRuntime, c.checkMemory, c.checkTimeouts, c.checkDescription, c.checkExtras, c.Environment.check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *configuration) checkRuntime() error {
	if c.Runtime == nil || *c.Runtime == customRuntime {
		return nil
	}
	return fail("InvalidParameterValue.Runtime", "the runtime %q does not run here: the local platform has %s, for packages with a bootstrap", short(*c.Runtime), customRuntime)
}

func (c *configuration) checkMemory() error {
	limits := local.LimitsOf(protocol.SCF)
	switch {
	case c.MemorySize == nil:
	case *c.MemorySize > int64(limits.MemoryMax):
		return fail("LimitExceeded.Memory", "the MemorySize is %d: expected at most %d MB", *c.MemorySize, limits.MemoryMax)
	case *c.MemorySize != int64(limits.MemoryMin) && (*c.MemorySize < 128 || *c.MemorySize%128 != 0):
		return fail("InvalidParameterValue.MemorySize", "the MemorySize is %d: expected %d, or a multiple of 128 MB", *c.MemorySize, limits.MemoryMin)
	}
	return nil
}

func (c *configuration) checkTimeouts() error {
	limits := local.LimitsOf(protocol.SCF)
	if err := checkSeconds("Timeout", c.Timeout, limits.Timeout); err != nil {
		return err
	}
	return checkSeconds("InitTimeout", c.InitTimeout, limits.InitTimeout)
}

func checkSeconds(name string, seconds *int64, limit int) error {
	switch {
	case seconds == nil:
	case *seconds > int64(limit):
		return fail("LimitExceeded."+name, "the %s is %d: expected at most %d seconds", name, *seconds, limit)
	case *seconds < 1:
		return fail("InvalidParameterValue", "the %s is %d: expected at least 1 second", name, *seconds)
	}
	return nil
}

const maxDescription = 1000 // characters

func (c *configuration) checkDescription() error {
	if c.Description != nil && len([]rune(*c.Description)) > maxDescription {
		return fail("InvalidParameterValue.Description", "the Description is too long: expected at most %d characters", maxDescription)
	}
	return nil
}

// checkExtras refuses settings that give a function files that it would lack here.
func (c *configuration) checkExtras() error {
	switch {
	case len(c.Layers) > 0:
		return fail("UnsupportedOperation", "the local platform has no layers: pack their files with the function")
	case c.CfsConfig != nil:
		return fail("UnsupportedOperation", "the local platform has no file storage (CFS): pack the files with the function")
	}
	return nil
}

var (
	variableName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]+$`)
	reservedVariable = regexp.MustCompile(`^(SCF_|QCLOUD_|TENCENTCLOUD_|TECENTCLOUD_)`)
)

// check checks variables, if a call has some.
func (e *environment) check() error {
	if e == nil {
		return nil
	}
	size := 0
	for _, v := range e.Variables {
		size += len(v.Key) + len(v.Value)
		switch {
		case reservedVariable.MatchString(v.Key):
			return fail("InvalidParameterValue.EnvironmentSystemProtect", "the variable %s cannot be set: names with this prefix are the platform's", short(v.Key))
		case !variableName.MatchString(v.Key):
			return fail("InvalidParameterValue.Environment", "the name of a variable is %q: expected a letter, and then letters, digits and _", short(v.Key))
		}
	}
	if limit := local.LimitsOf(protocol.SCF).Env; size > limit {
		return fail("InvalidParameterValue.EnvironmentExceededLimit", "the variables have %d bytes: expected at most %d", size, limit)
	}
	return nil
}

// apply changes settings to those that the call has.
func (c *configuration) apply(s *local.Settings) {
	s.Runtime = customRuntime
	if c.Description != nil {
		s.Description = *c.Description
	}
	if c.MemorySize != nil {
		s.MemoryMB = int(*c.MemorySize)
	}
	if c.Timeout != nil {
		s.Timeout = time.Duration(*c.Timeout) * time.Second
	}
	if c.InitTimeout != nil {
		s.InitTimeout = time.Duration(*c.InitTimeout) * time.Second
	}
	if c.Environment != nil {
		s.Env = nil
		for _, v := range c.Environment.Variables {
			s.Env = append(s.Env, v.Key+"="+v.Value)
		}
	}
}

var functionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,58}[A-Za-z0-9]$`)

func checkName(name string) error {
	switch {
	case name == "":
		return missing("FunctionName")
	case !functionName.MatchString(name):
		return fail("InvalidParameterValue.FunctionName", "the FunctionName is %q: expected 2 to 60 letters, digits, - and _, with a letter first, and a letter or a digit last", short(name))
	}
	return nil
}

const maxHandler = 121 // bytes: two names of 60, and a dot

// checkHandler checks a handler. For custom runtimes its parts do not matter.
func checkHandler(handler string) error {
	for _, r := range handler {
		if r < ' ' || r == 0x7f {
			return fail("InvalidParameterValue.Handler", "the Handler is %q: expected no control characters", short(handler))
		}
	}
	if len(handler) > maxHandler {
		return fail("InvalidParameterValue.Handler", "the Handler has %d bytes: expected at most %d", len(handler), maxHandler)
	}
	return nil
}
