package logs

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// maxLine is how many bytes a line, or a record of several lines, may have. A
// longer one is split.
const maxLine = 64 << 10

// A stream is one output of a command or a sidecar. The mutex of its source guards
// it.
type stream struct {
	source *Source
	name   string
	open   []byte // the last line, without its newline so far
	record record // the last lines, if the style is JSON
	timer  *time.Timer
}

func (s *stream) Write(p []byte) (int, error) {
	s.source.mu.Lock()
	defer s.source.mu.Unlock()
	if s.source.isRaw() {
		s.source.log.backlog.write(p, false, &s.source.budget)
		return len(p), nil
	}
	s.split(p)
	s.source.emit()
	s.awaitMore()
	return len(p), nil
}

func (s *stream) Close() error {
	s.source.mu.Lock()
	defer s.source.mu.Unlock()
	s.release()
	s.source.emit()
	return nil
}

// split splits p into lines, and keeps the last one if it lacks its newline.
func (s *stream) split(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		next := end + 1
		if end < 0 {
			end, next = len(p), len(p)
		}
		if room := maxLine - len(s.open); end > room {
			s.open = append(s.open, p[:room]...)
			s.cutLine(p[room])
			p = p[room:]
			continue
		}
		if next == end { // there is no newline
			s.open = append(s.open, p...)
			return
		}
		s.endLine(p[:end])
		p = p[next:]
	}
}

// cutLine logs the open line, which is too long. If its last character continues
// with the next byte, that character is left for the next line.
func (s *stream) cutLine(next byte) {
	end := len(s.open)
	for n := 1; n < utf8.UTFMax && !utf8.RuneStart(next); n++ {
		if next = s.open[len(s.open)-n]; utf8.RuneStart(next) {
			end -= n
		}
	}
	s.line(s.open[:end])
	s.open = append(s.open[:0], s.open[end:]...)
}

// endLine logs the open line, with rest at its end.
func (s *stream) endLine(rest []byte) {
	if len(s.open) == 0 {
		s.line(rest)
		return
	}
	s.open = append(s.open, rest...)
	s.line(s.open)
	s.open = s.open[:0]
}

// line logs a whole line, or adds it to a record.
func (s *stream) line(line []byte) {
	if s.source.log.style.JSON {
		s.group(line)
	} else {
		s.source.out = append(append(append(s.source.out, s.prefix()...), line...), '\n')
	}
	if len(s.source.out) > pipeSize {
		s.source.emit()
	}
}

func (s *stream) prefix() string {
	switch {
	case s.source.name != "":
		return s.source.name + " | "
	case s.source.id != "" && s.source.log.style.Prefix:
		return s.source.id + " "
	}
	return ""
}

// release logs the open line and the record that the stream holds.
func (s *stream) release() {
	if len(s.open) > 0 {
		s.endLine(nil)
	}
	s.finish()
}

// awaitMore gives a record a short time to get more lines.
func (s *stream) awaitMore() {
	if !s.record.held {
		return
	}
	if s.timer == nil {
		s.timer = time.AfterFunc(s.source.log.hold, s.expire)
		return
	}
	s.timer.Reset(s.source.log.hold)
}

func (s *stream) expire() {
	s.source.mu.Lock()
	defer s.source.mu.Unlock()
	s.finish()
	s.source.emit()
}
