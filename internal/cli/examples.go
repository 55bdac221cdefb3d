package cli

import (
	"strings"

	"github.com/alecthomas/kong"
)

// examples are the examples of each command, by its path, as its help and the man page show them.
var examples = map[string][]string{
	"ingest":         {"crmsync ingest", "crmsync ingest --env-file /etc/crmsync/crmsync.env"},
	"worker":         {"crmsync worker", "crmsync worker --env-file /etc/crmsync/crmsync.env"},
	"serve":          {"crmsync serve"},
	"demo":           {"crmsync demo", "crmsync demo --once"},
	"sim":            {"crmsync sim --env --port 7400 --state-file sim.json", "crmsync sim --complexity-per-minute 100000"},
	"schema up":      {"crmsync schema up"},
	"migrate":        {"crmsync migrate contacts --dry-run", "crmsync migrate contacts", "crmsync migrate --history"},
	"check":          {"crmsync check", "crmsync check --live --fields"},
	"mapping schema": {"crmsync mapping schema"},
	"boards":         {"crmsync boards", "crmsync boards 1002 1003 --json"},
	"scaffold": {"crmsync scaffold --board 1003 --object Lead",
		"crmsync scaffold --board 1001 --object Account --board 1002 --object Contact --add mapping.yaml"},
	"webhooks":       {"crmsync webhooks", "crmsync webhooks --url https://sync.example.org"},
	"errors":         {"crmsync errors", "crmsync errors --cause 7f3a9c21"},
	"replay":         {"crmsync replay", "crmsync replay 4711 4712", "crmsync replay --code STRING_TOO_LONG --since 24h --dry-run"},
	"ignore":         {"crmsync ignore 4711", "crmsync ignore --cause 7f3a9c21"},
	"status":         {"crmsync status", "crmsync status --json", "crmsync status --exit-code"},
	"item":           {"crmsync item 8400000001"},
	"plan":           {"crmsync plan", "crmsync plan contacts --out plan.json", "crmsync plan --check"},
	"apply":          {"crmsync apply contacts", "crmsync apply --plan plan.json --yes"},
	"conflicts list": {"crmsync conflicts list"},
	"conflicts take": {"crmsync conflicts take salesforce 12"},
	"held list":      {"crmsync held list"},
	"held release":   {"crmsync held release 8400000001", "crmsync held release --board 1002"},
	"held drop":      {"crmsync held drop --all"},
	"logs export":    {"crmsync logs export --since 24h", "crmsync logs export --item 8400000001"},
	"tail":           {"crmsync tail", "crmsync tail --board contacts", "crmsync tail --item 8400000001 --json"},
	"erase":          {"crmsync erase --item 8400000001"},
	"subject":        {"crmsync subject --email ada@example.org"},
	"init": {"crmsync init", "crmsync init --answers answers.txt",
		"crmsync init --board 1002 --object Contact --ingest-url https://sync.example.org"},
	"doctor":     {"crmsync doctor", "crmsync doctor --test-alerts"},
	"config":     {"crmsync config", "crmsync config --role ingest --json"},
	"completion": {"crmsync completion bash"},
	"version":    {"crmsync version"},
}

// addExamples adds its examples to the help of each command.
func addExamples(model *kong.Application) {
	for _, command := range model.Leaves(false) {
		lines := examples[command.Path()]
		if len(lines) == 0 {
			continue
		}
		if command.Detail != "" {
			command.Detail += "\n\n"
		}
		command.Detail += "Examples:\n\n  " + strings.Join(lines, "\n  ")
	}
}
