package command

import "strings"

// bashPaths are the paths where systems have bash.
var bashPaths = []string{"/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/opt/bin/bash"}

// failPipelines makes bash fail a pipeline if an earlier stage fails. At the end of
// the line it ignores a SIGPIPE, which a stage gets when its reader has enough.
const failPipelines = `set -o pipefail; trap '` +
	`__s=$? __p=("${PIPESTATUS[@]}"); ` +
	`if [ "$__s" = 141 ] && [ "${__p[@]: -1}" = 0 ]; then __s=0; ` +
	`for __c in "${__p[@]}"; do [ "$__c" = 0 ] || [ "$__c" = 141 ] || __s=$__c; done; exit "$__s"; fi` +
	`' EXIT; `

// lineArguments returns the arguments of a shell for a command line: bash where
// there is one, else sh, which cannot see the status of an earlier stage. A line
// without a pipeline does not change, so that the shell can replace itself by the
// command.
func lineArguments(line string) []string {
	bash := findBash()
	switch {
	case bash == "":
		return []string{"/bin/sh", "-c", line, "sh"}
	case strings.Contains(line, "|"):
		return []string{bash, "-c", failPipelines + line, "bash"}
	}
	return []string{bash, "-c", line, "bash"}
}

func findBash() string {
	for _, file := range bashPaths {
		if Check(file) == nil {
			return file
		}
	}
	return ""
}

// FirstWords returns the program that a command line runs first, and its first
// argument if there is one. It skips variables that the line sets for the program,
// and returns no words for a JSON array. A word that the shell would expand, such as
// "$HOME", is returned as it is.
func FirstWords(command string) []string {
	if strings.HasPrefix(strings.TrimSpace(command), "[") {
		return nil
	}
	if end := strings.IndexAny(command, ";&|<>\n"); end >= 0 {
		command = command[:end]
	}
	words := strings.Fields(command)
	for len(words) > 0 && (words[0] == "exec" || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	return words[:min(2, len(words))]
}
