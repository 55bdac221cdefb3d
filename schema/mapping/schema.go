package mapping

import _ "embed" // for the schema

//go:embed mapping.schema.json
var schema []byte

// Schema is a JSON Schema (draft 2020-12) of the mapping file, for editors. It describes the file's structure; Parse
// checks more.
//
// https://json-schema.org/draft/2020-12
func Schema() []byte { return append([]byte(nil), schema...) }
