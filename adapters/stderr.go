package adapters

import (
	"io"

	"bootstrap/supervisor/logs"
)

// tailSize is how many bytes at the end of stderr a failure quotes.
const tailSize = 4 << 10

// A stderr logs what a command writes, and keeps the end. An error of the log does
// not fail an event.
type stderr struct {
	logs.Tail
	log  io.Writer
	mask *logs.Mask
}

func (fn *function) newStderr() *stderr {
	return &stderr{Tail: logs.Tail{Max: tailSize}, log: fn.services.Stderr, mask: fn.services.Mask}
}

// String returns the end without secrets, even if a secret was cut when its writer
// was killed.
func (s *stderr) String() string {
	if s.Total > tailSize {
		return s.mask.HidePart(s.Tail.String())
	}
	return s.mask.HideHead(s.Tail.String())
}

func (s *stderr) Write(p []byte) (int, error) {
	_, _ = s.log.Write(p)
	return s.Tail.Write(p)
}
