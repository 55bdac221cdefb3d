package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"crmsync/internal/app"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// scripts ask the program itself for candidates, so that they need no update. If there are none, files are completed.
var scripts = map[string]string{
	"bash": `# eval "$(crmsync completion bash)" in ~/.bashrc
_crmsync() {
    local IFS=$'\n'
    COMPREPLY=($("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _crmsync crmsync
`,
	"zsh": `#compdef crmsync
# eval "$(crmsync completion zsh)" in ~/.zshrc, after compinit
_crmsync() {
    local line
    local -a candidates
    for line in "${(@f)$("${words[1]}" __complete -- "${(@)words[2,$CURRENT]}" 2>/dev/null)}"; do
        [[ -n "$line" ]] && candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( $#candidates )); then _describe crmsync candidates; else _files; fi
}
compdef _crmsync crmsync
`,
	"fish": `# crmsync completion fish | source, in ~/.config/fish/config.fish
function __crmsync_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c crmsync -f -n 'count (__crmsync_complete) >/dev/null' -a '(__crmsync_complete)'
`,
}

// Run prints the script for a shell.
func (c completionCommand) Run(p *program) error {
	_, err := fmt.Fprint(p.stdout, scripts[c.Shell])
	return err
}

type completeCommand struct {
	Words []string `arg:"" optional:""`
}

// Run prints the candidates for the last of the words, one on each line, followed by a tab and its meaning.
func (c completeCommand) Run(p *program, model *kong.Application) error {
	last := ""
	if n := len(c.Words); n > 0 {
		last, c.Words = c.Words[n-1], c.Words[:n-1]
	}
	for _, one := range candidates(model, c.Words, p.boardNames) {
		if word, _, _ := strings.Cut(one, "\t"); strings.HasPrefix(word, last) &&
			(last != "" || !strings.HasPrefix(word, "-")) {
			fmt.Fprintln(p.stdout, one)
		}
	}
	return nil
}

// boardNames returns the boards of the mapping, if it can be read.
func (p *program) boardNames() (names []string) {
	m, err := app.ReadMapping(app.NewEnvironment(p.getenv).Mapping())
	if err != nil {
		return nil
	}
	for _, b := range m.Boards {
		names = append(names, b.Name+"\t"+fmt.Sprint(b.ID))
	}
	return names
}

// candidates returns what may follow the words: commands and flags, or the values of a flag or argument.
func candidates(model *kong.Application, words []string, boards func() []string) (all []string) {
	node, value := model.Node, (*kong.Flag)(nil)
	for _, word := range words {
		switch {
		case value != nil:
			value = nil
		case strings.HasPrefix(word, "-"):
			if flag := flagNamed(node, word); flag != nil && !flag.IsBool() && !strings.Contains(word, "=") {
				value = flag
			}
		default:
			if n := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == word }); n >= 0 {
				node = node.Children[n]
			}
		}
	}
	if value != nil {
		if value.Enum == "" {
			return nil // a file, an id, an address
		}
		return value.EnumSlice()
	}
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(all, child.Name+"\t"+child.Help)
		}
	}
	for _, argument := range node.Positional {
		if argument.Enum != "" {
			all = append(all, argument.EnumSlice()...)
		} else if argument.Name == "board" && argument.Target.Type().String() == "[]string" {
			all = append(all, boards()...)
		}
	}
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			all = append(all, "--"+flag.Name+"\t"+flag.Help)
		}
	}
	return all
}

// flagNamed returns a flag of a command or of those above it; nil: there is none.
func flagNamed(node *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	for _, group := range node.AllFlags(false) {
		for _, flag := range group {
			if flag.Name == name {
				return flag
			}
		}
	}
	return nil
}
