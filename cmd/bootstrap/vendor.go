package main

import (
	"strings"

	"github.com/hashicorp/go-hclog"
)

// vendorLevels are the values of AWS_LAMBDA_LOG_LEVEL.
var vendorLevels = map[string]hclog.Level{
	"trace": hclog.Debug, "debug": hclog.Debug, "info": hclog.Info, "warn": hclog.Warn, "error": hclog.Error, "fatal": hclog.Error,
}

// adoptVendorLogs takes the log settings of a function on Lambda for options that
// are not set. It ignores unknown values.
func (c *Config) adoptVendorLogs(getenv func(string) string) {
	format := strings.ToLower(getenv("AWS_LAMBDA_LOG_FORMAT"))
	if c.Origin(prefix+"_LOG_FORMAT") == "default" && format == "json" {
		c.LogFormat = format
	}
	level, known := vendorLevels[strings.ToLower(getenv("AWS_LAMBDA_LOG_LEVEL"))]
	if c.Origin(prefix+"_LOG_LEVEL") == "default" && known {
		c.LogLevel = logLevel(level)
	}
}
