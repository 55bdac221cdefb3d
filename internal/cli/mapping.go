package cli

import "crmsync/schema/mapping"

type mappingSchemaCommand struct{}

// Run prints what a mapping file may hold, for editors.
func (mappingSchemaCommand) Run(p *program) error {
	_, err := p.stdout.Write(mapping.Schema())
	return err
}
