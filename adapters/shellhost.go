package adapters

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"bootstrap/adapters/temp"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// A host is a resident shell that has loaded a script. It is the counterpart of
// hosts/bash.sh and hosts/sh.sh.
type host struct {
	resident
	greeting string       // its first line
	event    *scratchFile // the body of the event, unchanged
	preamble *scratchFile // what the shell reads before it calls the function
	requests *os.File     // a line tells the shell to serve the event or, if it is "stop", to run its exit traps
	answers  bytes.Buffer
	result   *result
}

// startHost starts the shell, which has not loaded the script yet.
func startHost(c *process.Command, fn *function) (*host, error) {
	h := &host{resident: resident{log: fn.newStderr()}, result: &result{max: fn.settings.Platform.MaxResult}}
	c.Outputs = []io.Writer{h.result, fn.logOutput(h.log), &h.answers}
	if err := h.start(c); err != nil {
		h.closeFiles()
		return nil, err
	}
	return h, nil
}

func (h *host) start(c *process.Command) (err error) {
	if h.event, err = newScratchFile(); err != nil {
		return err
	}
	if h.preamble, err = newScratchFile(); err != nil {
		return err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return protocol.Failuref("Runtime.StartError", "cannot make a pipe: %v", err)
	}
	defer theirs.Close()
	h.requests = ours
	c.Stdin = h.event.file
	c.Files = []*os.File{theirs, h.preamble.file}
	h.process, err = process.Start(c)
	return err
}

// answer returns the shell's next line. The error is process.ErrExited when there
// will be none.
func (h *host) answer(ctx context.Context) (line string, err error) {
	if err := h.process.Pump(ctx, h.answered); err != nil {
		return "", err
	}
	line, _ = h.answers.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), nil
}

func (h *host) answered() bool { return bytes.IndexByte(h.answers.Bytes(), '\n') >= 0 }

// ask makes the shell serve an event. answer returns when the event is done.
func (h *host) ask(event []byte, preamble ...[]byte) error {
	err := h.event.write(event)
	if err == nil {
		err = h.preamble.write(preamble...)
	}
	if err != nil {
		h.forget()
		return tempError("hand the event to the shell", err)
	}
	_, _ = h.requests.Write([]byte("\n")) // fails if the shell has exited, which answer reports
	return nil
}

// settle logs what is in the log's pipe, and drops the rest: processes of the last
// event may have written until they were killed.
func (h *host) settle() {
	h.result.over = 1     // keep nothing
	_ = h.process.Drain() // answer reports an exit
	*h.result = result{max: h.result.max}
	h.log.Reset()
}

// isReady reports whether there is a shell that has loaded the script.
func (h *host) isReady() bool { return h != nil && h.ready }

// waits reports whether a shell waits for an event. An unexpected line means
// that the waiting subshell has died.
func (h *host) waits() bool { return h.isReady() && h.answers.Len() == 0 && !h.process.Exited() }

// interrupt stops the current event, and reports whether the shell may serve another
// one: it has survived, and the script has started nothing while it was loaded, which
// would be stopped, too.
func (h *host) interrupt(grace time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	alone := len(h.process.LivingChildren()) <= 1 // the subshell of the event
	h.process.Interrupt()
	_, err := h.answer(ctx)
	return err == nil && alone
}

// stop runs the script's EXIT and TERM traps, within the limit.
func (h *host) stop(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, _ = h.requests.Write([]byte("stop\n")) // fails if the shell has exited, which answer reports
	_, _ = h.answer(ctx)                      // the shell is stopped in any case
}

// forget removes the event from the files.
func (h *host) forget() {
	_ = h.event.write() // an empty file always fits
	_ = h.preamble.write()
}

// end stops the shell and returns how it exited.
func (h *host) end(grace time.Duration) syscall.WaitStatus {
	status := h.process.Stop(grace)
	h.closeFiles()
	return status
}

// abandon stops the shell, and none of the processes that it has started.
func (h *host) abandon() {
	h.process.Abandon()
	h.closeFiles()
}

func (h *host) closeFiles() {
	h.event.close()
	h.preamble.close()
	if h.requests != nil {
		_ = h.requests.Close() // nothing is buffered
	}
}

// exports returns shell code that exports variables.
func exports(vars []string) []byte {
	var b bytes.Buffer
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		b.WriteString("export " + name + "=" + quote(value) + "\n")
	}
	return b.Bytes()
}

// quote makes one word of a text, for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// A scratchFile is a file without a name that is rewritten for each event. A shell reads
// files in blocks, and pipes byte by byte.
type scratchFile struct {
	file *os.File // the shell inherits it, with the offset at the beginning
	size int64    // an upper bound of the file's size
}

func newScratchFile() (*scratchFile, error) {
	file, err := temp.UnnamedFile()
	if err != nil {
		return nil, tempError("make a temporary file", err)
	}
	return &scratchFile{file: file}, nil
}

func (s *scratchFile) write(parts ...[]byte) error {
	var size int64
	for _, part := range parts {
		s.size = max(s.size, size+int64(len(part))) // after an error it is unknown how much was written
		n, err := s.file.WriteAt(part, size)
		if err != nil {
			return err
		}
		size += int64(n)
	}
	if size < s.size {
		if err := s.file.Truncate(size); err != nil {
			return err
		}
	}
	s.size = size
	_, err := s.file.Seek(0, 0) // the shell's descriptor shares its offset
	return err
}

func (s *scratchFile) close() {
	if s != nil {
		_ = s.file.Close() // nothing to lose
	}
}
