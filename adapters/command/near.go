package command

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"bootstrap/internal/nearest"
)

// Limits on the search of a code folder, and on how many of its files a message
// lists.
const (
	maxDepth  = 3
	maxFiles  = 2000
	maxListed = 8
)

// filesIn returns the files in a code folder and its subfolders, as paths relative to
// the code folder. It skips hidden files, installed packages and the runtime.
func filesIn(dir string) (files []string) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil
	}
	_ = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, file)
		switch {
		case err != nil, name == ".":
			return nil
		case len(files) >= maxFiles:
			return fs.SkipAll
		case entry.IsDir() && (isSkipped(entry.Name()) || strings.Count(name, "/") >= maxDepth-1):
			return fs.SkipDir
		case !entry.IsDir() && !isSkipped(entry.Name()):
			files = append(files, name)
		}
		return nil
	}) // an unreadable folder counts as empty
	return files
}

func isSkipped(name string) bool {
	return strings.HasPrefix(name, ".") || name == "node_modules" || name == "__pycache__" || name == "bootstrap" || name == "bootstrap.env"
}

// suggestFile returns a question that suggests a file in the code folder: one with a
// similar name, or with the same name in another folder or with an extension.
func suggestFile(name, dir string) string {
	name = path.Clean(name)
	files := filesIn(dir)
	for _, file := range files {
		base := path.Base(file)
		if base == path.Base(name) || strings.TrimSuffix(base, path.Ext(base)) == path.Base(name) {
			return fmt.Sprintf(": did you mean %q?", file)
		}
	}
	if near, ok := nearest.Of(name, files); ok {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ""
}

// suggestHandler returns text that suggests the most similar handler among the
// scripts and programs in the code folder, and that lists the files in the folder.
func suggestHandler(handler, dir string) string {
	files := filesIn(dir)
	text := "; " + describeFolder(files)
	function := strings.TrimPrefix(path.Ext(handler), ".")
	if function == "" {
		function = "main_handler"
	}
	var names []string
	for _, file := range files {
		if Interpreter(file) != "" {
			names = append(names, strings.TrimSuffix(file, path.Ext(file))+"."+function)
		}
		names = append(names, file)
	}
	if near, ok := nearest.Of(handler, names); ok {
		return fmt.Sprintf(": did you mean %q?%s", near, text[1:])
	}
	return text
}

// describeFolder lists the files in the code folder for a message.
func describeFolder(files []string) string {
	if len(files) == 0 {
		return "the folder holds nothing else"
	}
	var names []string
	for _, file := range files[:min(len(files), maxListed)] {
		names = append(names, fmt.Sprintf("%q", file))
	}
	text := "the folder holds " + strings.Join(names, ", ")
	if more := len(files) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
