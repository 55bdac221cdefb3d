// Package deploy contains the files that operators copy. The program itself embeds the example mapping, for its demo.
package deploy

import _ "embed"

// Mapping is the content of mapping.example.yaml.
//
//go:embed mapping.example.yaml
var Mapping []byte

// Runbook is runbook.md.
//
//go:embed runbook.md
var Runbook []byte
