package local

import (
	"regexp"

	"bootstrap/protocol"
)

// Limits are the limits of a platform, as its documents state them.
type Limits struct {
	Name                 int            // characters
	Names                *regexp.Regexp // matches every valid name
	Timeout, InitTimeout int            // seconds
	MemoryMin, MemoryMax int            // MB
	Env                  int            // bytes of all names and values
	Event, AsyncEvent    int            // bytes
	Result               int            // bytes
	Log                  int            // bytes of the log that an API answer can contain
}

var (
	letterFirst = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	anyFirst    = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// limits holds the limits of each platform by its name, without those that package
// protocol has. Sources: for SCF
// cloud.tencent.com/document/product/583/11637 and 583/18581, for FunctionGraph
// support.huaweicloud.com functiongraph_01_0150 and functiongraph_06_0125, for
// Lambda docs.aws.amazon.com gettingstarted-limits.
var limits = map[string]Limits{
	"scf":           {Name: 60, Names: letterFirst, Timeout: 900, InitTimeout: 300, MemoryMin: 64, MemoryMax: 3072, Env: 4096, AsyncEvent: 128 << 10, Log: 4 << 10},
	"functiongraph": {Name: 60, Names: letterFirst, Timeout: 259200, InitTimeout: 300, MemoryMin: 128, MemoryMax: 10240, Env: 4096, AsyncEvent: 256 << 10, Log: 4 << 10},
	"lambda":        {Name: 64, Names: anyFirst, Timeout: 900, InitTimeout: 900, MemoryMin: 128, MemoryMax: 10240, Env: 4096, AsyncEvent: 1 << 20, Log: 4 << 10},
}

// LimitsOf returns the limits of a platform.
func LimitsOf(p *protocol.Platform) Limits {
	l := limits[p.Name]
	l.Event, l.Result = p.MaxEvent, p.MaxResult
	return l
}
