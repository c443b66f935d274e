package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// IgnoreFile names what stays out of the package, in the syntax of .gitignore.
const IgnoreFile = ".bootstrapignore"

// always are the patterns of what never belongs into a package.
var always = []string{".git", IgnoreFile}

// readIgnore returns a function that reports whether a file stays out. It must
// be asked about a folder before what is in it.
func readIgnore(dir string) (ignored func(name string, isDir bool) bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, IgnoreFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read %s: %w", IgnoreFile, err)
	}
	var patterns []gitignore.Pattern
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.ReplaceAll(line, "[!", "[^") // go-git/go-git#2006
		patterns = append(patterns, gitignore.ParsePattern(line, nil))
	}
	for _, name := range always { // the last pattern wins
		patterns = append(patterns, gitignore.ParsePattern(name, nil))
	}
	matcher := gitignore.NewMatcher(patterns)
	return func(name string, isDir bool) bool { return matcher.Match(strings.Split(name, "/"), isDir) }, nil
}
