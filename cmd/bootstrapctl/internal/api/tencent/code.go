package tencent

import (
	"encoding/base64"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// A code says where the package of a function is.
type code struct {
	ZipFile string // base64

	CosBucketName, CosObjectName, CosBucketRegion, DemoId, TempCosObjectName     string
	GitUrl, GitUserName, GitPassword, GitPasswordSecret, GitBranch, GitDirectory string
	GitCommitId, GitUserNameSecret                                               string
	ImageConfig                                                                  any
}

const maxZipFile = 20 << 20 // bytes of base64

// read returns the package that a call has brought along.
func (c *code) read() (local.Code, error) {
	switch {
	case c.ImageConfig != nil:
		return local.Code{}, fail("UnsupportedOperation", "the local platform does not run images: send the package as Code.ZipFile")
	case c.CosBucketName+c.CosObjectName+c.TempCosObjectName != "":
		return local.Code{}, fail("UnsupportedOperation.Cos", "the local platform cannot read COS: send the package as Code.ZipFile")
	case c.DemoId+c.GitUrl != "":
		return local.Code{}, fail("UnsupportedOperation", "the local platform cannot fetch code: send the package as Code.ZipFile")
	case c.ZipFile == "":
		return local.Code{}, fail("MissingParameter.Code", "the call has no code: send the package as Code.ZipFile")
	case len(c.ZipFile) > maxZipFile:
		return local.Code{}, fail("InvalidParameterValue.InlineZipFile", "the ZipFile has %d bytes as base64: expected at most %d", len(c.ZipFile), maxZipFile)
	}
	zip, err := base64.StdEncoding.DecodeString(c.ZipFile)
	if err != nil {
		return local.Code{}, fail("InvalidParameterValue.ZipFileBase64BinasciiError", "the ZipFile is not base64: %v", err)
	}
	return local.Code{Zip: zip}, nil
}
