package main

import (
	"testing"

	"github.com/hashicorp/go-hclog"
)

// Lambda's own settings hold where no option is set.
func TestVendorLogs(t *testing.T) {
	tests := []struct {
		name   string
		vars   map[string]string
		format string
		level  hclog.Level
	}{
		{"none", nil, "text", hclog.Info},
		{"JSON", map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON"}, "json", hclog.Info},
		{"text", map[string]string{"AWS_LAMBDA_LOG_FORMAT": "Text"}, "text", hclog.Info},
		{"trace", map[string]string{"AWS_LAMBDA_LOG_LEVEL": "TRACE"}, "text", hclog.Debug},
		{"debug", map[string]string{"AWS_LAMBDA_LOG_LEVEL": "DEBUG"}, "text", hclog.Debug},
		{"warn", map[string]string{"AWS_LAMBDA_LOG_LEVEL": "WARN"}, "text", hclog.Warn},
		{"fatal", map[string]string{"AWS_LAMBDA_LOG_LEVEL": "FATAL"}, "text", hclog.Error},
		{"unknown", map[string]string{"AWS_LAMBDA_LOG_LEVEL": "LOUD", "AWS_LAMBDA_LOG_FORMAT": "XML"}, "text", hclog.Info},
		{"the options win", map[string]string{"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "BOOTSTRAP_LOG_LEVEL": "info",
			"AWS_LAMBDA_LOG_FORMAT": "JSON", "BOOTSTRAP_LOG_FORMAT": "text"}, "text", hclog.Info},
		{"a prefix does not conflict", map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "BOOTSTRAP_LOG_PREFIX": "true"}, "json", hclog.Info},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := readValid(t, test.vars)
			if c.LogFormat != test.format || hclog.Level(c.LogLevel) != test.level {
				t.Errorf("got %s, %v, want %s, %v", c.LogFormat, hclog.Level(c.LogLevel), test.format, test.level)
			}
		})
	}
}
