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

// IgnoreFile is the name of the file that lists files to leave out of the package,
// in the syntax of .gitignore.
const IgnoreFile = ".bootstrapignore"

// always lists the patterns of files that never belong into a package.
var always = []string{".git", IgnoreFile}

// ReadIgnore returns a function that reports whether a file is left out. Call it for
// a folder before the files in that folder.
func ReadIgnore(dir string) (ignored func(name string, isDir bool) bool, err error) {
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
