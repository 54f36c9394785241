# Sets this machine up for a memory server, for Windows:
#
#   .\install.ps1 AI_TOKEN -SyncToken SYNC_TOKEN -Url http://HOST:7444/mcp -Machine NAME
#
# Tokens may also come from $env:MCP_MEMORY_TOKEN and $env:SYNC_TOKEN.
param(
    [Parameter(Position = 0)][string]$AiToken,
    [string]$SyncToken,
    [string]$Url,
    [string]$Machine,
    [Parameter(ValueFromRemainingArguments = $true)][string[]]$More
)
$ErrorActionPreference = "Stop"

$found = $null
foreach ($candidate in @(@("py", "-3"), @("python"), @("python3"))) {
    $name, $flags = $candidate[0], @($candidate | Select-Object -Skip 1)
    if (Get-Command $name -ErrorAction SilentlyContinue) {
        & $name @flags -c "import sys; sys.exit(sys.version_info < (3, 10))" 2>$null
        if ($LASTEXITCODE -eq 0) { $found = $candidate; break }
    }
}
if (-not $found) {
    Write-Error "Python 3.10 or newer is needed."
    exit 2
}

$program = Join-Path $PSScriptRoot "memory_sync.py"
if (-not (Test-Path $program)) { $program = Join-Path $PSScriptRoot "memory_sync" }
if ($AiToken) { $env:MCP_MEMORY_TOKEN = $AiToken }
if ($SyncToken) { $env:SYNC_TOKEN = $SyncToken }
$arguments = @($program, "install")
if ($Url) { $arguments += @("--url", $Url) }
if ($Machine) { $arguments += @("--machine", $Machine) }
if ($More) { $arguments += $More }
$name, $flags = $found[0], @($found | Select-Object -Skip 1)
& $name @flags @arguments
exit $LASTEXITCODE
