package aws

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// An environment has the variables of a function.
type environment struct {
	Variables map[string]string
}

// echoed holds the parts of a configuration that the local platform does not use, but
// that a client expects to read back.
type echoed struct {
	Role              string          `json:",omitempty"`
	KMSKeyArn         string          `json:",omitempty"`
	DeadLetterConfig  json.RawMessage `json:",omitempty"`
	EphemeralStorage  json.RawMessage `json:",omitempty"`
	FileSystemConfigs json.RawMessage `json:",omitempty"`
	LoggingConfig     json.RawMessage `json:",omitempty"`
	TracingConfig     json.RawMessage `json:",omitempty"`
	VpcConfig         json.RawMessage `json:",omitempty"`
}

// over returns k with the values of other where it lacks them.
func (k echoed) over(other echoed) echoed {
	return echoed{
		Role:              cmp.Or(k.Role, other.Role),
		KMSKeyArn:         cmp.Or(k.KMSKeyArn, other.KMSKeyArn),
		DeadLetterConfig:  either(k.DeadLetterConfig, other.DeadLetterConfig),
		EphemeralStorage:  either(k.EphemeralStorage, other.EphemeralStorage),
		FileSystemConfigs: either(k.FileSystemConfigs, other.FileSystemConfigs),
		LoggingConfig:     either(k.LoggingConfig, other.LoggingConfig),
		TracingConfig:     either(k.TracingConfig, other.TracingConfig),
		VpcConfig:         either(k.VpcConfig, other.VpcConfig),
	}
}

func either(a, b json.RawMessage) json.RawMessage {
	if len(a) > 0 && string(a) != "null" {
		return a
	}
	return b
}

// defaultsOf returns what a new function has on Lambda.
func defaultsOf(name string) echoed {
	logs, _ := json.Marshal(object{"LogFormat": "Text", "LogGroup": "/aws/lambda/" + name}) // strings: never fails
	return echoed{
		Role:             "arn:aws:iam::" + account + ":role/local",
		EphemeralStorage: json.RawMessage(`{"Size":512}`),
		TracingConfig:    json.RawMessage(`{"Mode":"PassThrough"}`),
		LoggingConfig:    logs,
	}
}

// A configuration is a function as the API describes it.
type configuration struct {
	echoed
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Handler          string
	Description      string
	Timeout          int          // seconds
	MemorySize       int          // MB
	Environment      *environment `json:",omitempty"`
	Architectures    []string
	PackageType      string
	CodeSize         int64
	CodeSha256       string
	Version          string
	RevisionId       string
	LastModified     string
	State            string
	LastUpdateStatus string
	SnapStart        object
}

// describe returns a function as the API describes it.
func (c *call) describe(f *local.Function, ref reference) configuration {
	d := f.Describe()
	return configuration{
		echoed:           c.notesOf(f).echoed.over(defaultsOf(d.Name)),
		FunctionName:     d.Name,
		FunctionArn:      c.arn(ref),
		Runtime:          cmp.Or(d.Runtime, "provided.al2023"),
		Handler:          d.Handler,
		Description:      d.Description,
		Timeout:          int(d.Timeout / time.Second),
		MemorySize:       d.MemoryMB,
		Environment:      variablesOf(d.Env),
		Architectures:    []string{architecture()},
		PackageType:      "Zip",
		CodeSize:         d.Size,
		CodeSha256:       checksum(d),
		Version:          latest,
		RevisionId:       revision(d),
		LastModified:     d.Modified.UTC().Format("2006-01-02T15:04:05.000-0700"),
		State:            "Active",
		LastUpdateStatus: "Successful",
		SnapStart:        object{"ApplyOn": "None", "OptimizationStatus": "Off"},
	}
}

// checksum returns the hash of a function's zip, or an empty string for a folder.
func checksum(d local.Description) string {
	if d.Zip == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(d.SHA256[:])
}

// revision returns an id that changes with each change of a function.
func revision(d local.Description) string {
	sum := sha256.Sum256([]byte(d.Name + d.Modified.String()))
	return uuid(sum[:])
}

// variablesOf returns variables of the form NAME=value as the API shows them.
func variablesOf(env []string) *environment {
	if len(env) == 0 {
		return nil
	}
	e := &environment{map[string]string{}}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		e.Variables[name] = value
	}
	return e
}

// list returns variables in the form NAME=value.
func (e *environment) list() (env []string) {
	for _, name := range slices.Sorted(maps.Keys(e.Variables)) {
		env = append(env, name+"="+e.Variables[name])
	}
	return env
}

// architecture returns Lambda's name of this machine's.
func architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}
