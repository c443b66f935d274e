package local

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/pack"
)

// Code is the code of a function: a zip, or a folder, which is used in place.
type Code struct {
	Path string // of a folder or a zip
	Zip  []byte // a zip, in place of a path
}

// A build is a version of a function: its settings and its code. It does not
// change.
type build struct {
	settings Settings
	dir      string                // the unpacked code
	temp     string                // the folder to remove once the build is no longer used, or empty
	command  []string              // the runtime; nil if the package is broken
	start    func(*exec.Cmd) error // starts the runtime; nil: (*exec.Cmd).Start does
	broken   *Fault                // what the platform reports for each event, or nil
	findings []doctor.Finding
	size     int64
	sum      [sha256.Size]byte // of the zip; zero for a folder
	packed   []byte            // the zip; nil for a folder

	mu    sync.Mutex
	users int
	over  bool // no longer the version of the function
}

// load reads code for a function with those settings. It returns an *Invalid for a
// zip that the platform does not accept.
func (c *Cloud) load(s Settings, code Code) (*build, error) {
	b := &build{settings: s}
	info, err := os.Stat(code.Path)
	switch {
	case code.Zip == nil && err != nil:
		return nil, fmt.Errorf("cannot read the code: %w", err)
	case code.Zip == nil && info.IsDir():
		err := c.loadFolder(b, code.Path)
		c.protect(b)
		return b, err
	case code.Zip == nil:
		if code.Zip, err = os.ReadFile(code.Path); err != nil {
			return nil, fmt.Errorf("cannot read the code: %w", err)
		}
	}
	err = c.loadZip(b, code.Zip)
	if err != nil {
		c.removeTemp(b.temp)
		return nil, err
	}
	c.protect(b)
	return b, nil
}

// protect makes the code folder read-only for the function, as in the clouds,
// if this machine can do that.
func (c *Cloud) protect(b *build) {
	if c.options.Protect != nil && b.command != nil {
		b.start = c.options.Protect(b.dir)
	}
}

// loadFolder loads a folder. The folder may have no bootstrap, because pack
// would add it.
func (c *Cloud) loadFolder(b *build, dir string) (err error) {
	if b.dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("cannot find the code: %w", err)
	}
	b.command, err = c.options.Runtime(b.dir)
	return err
}

// loadZip unpacks a zip. The build is broken if the platform accepts the
// package but cannot start it.
func (c *Cloud) loadZip(b *build, content []byte) (err error) {
	if b.temp, err = os.MkdirTemp(c.options.Temp, "code-"); err != nil {
		return fmt.Errorf("cannot unpack the code: %w", err)
	}
	b.packed, b.size, b.sum = content, int64(len(content)), sha256.Sum256(content)
	b.dir = filepath.Join(b.temp, b.settings.Name)
	file := filepath.Join(b.temp, "code.zip")
	if err := errors.Join(os.Mkdir(b.dir, 0o755), os.WriteFile(file, content, 0o600)); err != nil {
		return fmt.Errorf("cannot unpack the code: %w", err)
	}
	defer os.Remove(file)
	tree, err := pack.ReadZip(file, b.dir)
	switch {
	case errors.Is(err, pack.ErrTooLarge):
		return &Invalid{"Package", "cannot unpack the zip: " + pack.ErrTooLarge.Error()}
	case pack.IsShortage(err):
		return err
	case err != nil:
		return &Invalid{"Package", "cannot unpack the zip: it is damaged"}
	}
	return c.examine(b, tree)
}

// examine stores the findings of doctor about a zip.
func (c *Cloud) examine(b *build, tree *pack.Tree) error {
	s := b.settings
	report := c.options.Examine(context.Background(), doctor.Function{
		Tree: tree, Platform: s.Platform, Handler: s.Handler, Env: s.Env, Limit: s.Timeout,
	})
	b.findings = report.Findings
	for _, f := range report.Findings {
		if f.Level != doctor.Error {
			continue
		}
		switch cause := doctor.CauseOf(f.ID); {
		case doctor.RefusesUpload(f.ID):
			return &Invalid{"Package", f.What}
		case cause != "":
			b.broken = faultOf(s.Platform, cause)
			return nil
		}
	}
	b.command = []string{filepath.Join(b.dir, "bootstrap")}
	return nil
}

// use counts another user of the build.
func (b *build) use() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users++
}

// release counts one user less. It reports whether the files of the build can
// be removed.
func (b *build) release() (removable bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users--
	return b.over && b.users == 0
}

// end notes that the build is no longer the version of its function. It reports
// whether its files can be removed.
func (b *build) end() (removable bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	return b.users == 0
}
