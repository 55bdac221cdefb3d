package cli

import "crmsync/schema/mapping"

type mappingSchemaCommand struct{}

// Run prints the JSON Schema of mapping files, for editors.
func (mappingSchemaCommand) Run(p *program) error {
	_, err := p.stdout.Write(mapping.Schema())
	return err
}
