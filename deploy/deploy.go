// Package deploy holds what an operator copies. The program itself shows the mapping in its demo.
package deploy

import _ "embed"

// Mapping is mapping.example.yaml.
//
//go:embed mapping.example.yaml
var Mapping []byte
