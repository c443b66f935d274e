package emulator

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filler returns a replacer for the placeholders that stand for values of a
// function. os.Expand would also replace a $ without braces, as in $LATEST.
func filler(fn Function, at *net.TCPAddr) *strings.Replacer {
	seconds := (fn.Timeout + time.Second - 1) / time.Second // some platforms count whole seconds
	return strings.NewReplacer(
		"${host}", at.IP.String(),
		"${port}", strconv.Itoa(at.Port),
		"${name}", fn.Name,
		"${handler}", fn.Handler,
		"${dir}", fn.Dir,
		"${memory_mb}", strconv.Itoa(fn.MemoryMB),
		"${timeout_s}", strconv.FormatInt(int64(seconds), 10),
		"${timeout_ms}", strconv.FormatInt(fn.Timeout.Milliseconds(), 10),
		"${user_data}", userData(fn.Env),
	)
}

// userData returns the variables of a function as a JSON object.
func userData(env []string) string {
	all := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		all[name] = value
	}
	text, _ := json.Marshal(all) // strings: never fails
	return string(text)
}

// Environment returns the complete environment of a runtime: the variables that
// the platform documents, and those of the function. A variable of the function
// replaces one of the platform with the same name.
func (s *Server) Environment() []string {
	var env []string
	for _, pattern := range s.platform.Environment {
		env = setVariable(env, s.fill.Replace(pattern))
	}
	if s.platform.Concurrency != "" && s.fn.Concurrency > 1 {
		env = setVariable(env, s.platform.Concurrency+"="+strconv.Itoa(s.fn.Concurrency))
	}
	for _, v := range s.fn.Env {
		env = setVariable(env, v)
	}
	return env
}

// setVariable adds v to env, in place of a variable with the same name.
func setVariable(env []string, v string) []string {
	name, _, _ := strings.Cut(v, "=")
	i := slices.IndexFunc(env, func(old string) bool { return strings.HasPrefix(old, name+"=") })
	if i < 0 {
		return append(env, v)
	}
	env[i] = v
	return env
}

// eventHeader sets the headers of inv in the platform's spelling, which
// Header.Set would change (Request_Id).
func (s *Server) eventHeader(h http.Header, inv *invocation) {
	fill := strings.NewReplacer(
		"${id}", inv.id,
		"${try}", inv.try,
		"${deadline_ms}", strconv.FormatInt(inv.delivered.Add(s.fn.Timeout).UnixMilli(), 10),
	)
	for _, pattern := range s.platform.EventHeaders {
		name, value, _ := strings.Cut(pattern, ": ")
		h[name] = []string{fill.Replace(s.fill.Replace(value))}
	}
	for name, values := range inv.header {
		h[name] = values
	}
}
