from __future__ import annotations

from datetime import datetime

from django.db import models

from keystore import generations


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def standing(self) -> WorkspaceQuerySet:
        """Those that are not being erased."""
        return self.filter(erased_at=None)

    def most_recently_active(self) -> WorkspaceQuerySet:
        return self.order_by("-last_active_at", "-id")


class Workspace(models.Model):
    """One project as one tool sees it on one machine; every memory belongs to one."""

    slug = models.CharField(
        max_length=128, unique=True, help_text="The workspace_id of the wire."
    )
    machine = models.CharField(max_length=200)
    tool = models.CharField(max_length=200)
    project = models.CharField(max_length=200)
    container_tag = models.CharField(
        max_length=128,
        unique=True,
        null=True,
        blank=True,
        help_text="The containerTag that made it, for workspaces that are no project.",
    )
    cwd = models.CharField(max_length=1024, blank=True)
    description = models.TextField(blank=True)
    is_private = models.BooleanField(
        default=False, help_text="Readable only by tokens pinned to it and by admins."
    )
    write_token_rotation = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    last_active_at = models.DateTimeField()
    erased_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Since when nobody sees it; a job removes what is in it.",
    )

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["machine", "tool", "project"], name="one_workspace_per_triple"
            )
        ]
        indexes = [
            models.Index(
                fields=["-last_active_at", "-id"], name="workspaces_by_activity"
            )
        ]

    def __str__(self) -> str:
        return self.slug

    def mark_active(self, *, at: datetime) -> None:
        """Move the last activity forward, never back; call it where content changed."""
        generations.advance(self.pk)
        Workspace.objects.filter(pk=self.pk, last_active_at__lt=at).update(
            last_active_at=at
        )

    def hide(self, *, name: str, at: datetime) -> None:
        """Be nobody's any more, and leave its names to whoever registers them next."""
        self.slug, self.machine, self.tool, self.project = name, name, name, name
        self.container_tag, self.cwd, self.description = None, "", ""
        self.is_private, self.erased_at = True, at
        self.save()
        generations.advance(self.pk)

    def rotate_write_token(self) -> None:
        Workspace.objects.filter(pk=self.pk).update(
            write_token_rotation=models.F("write_token_rotation") + 1
        )
        self.refresh_from_db(fields=["write_token_rotation"])

    def describe(self, *, cwd: str, description: str) -> bool:
        """Replace what is given, keep what is empty; say whether anything changed."""
        wanted = {"cwd": cwd, "description": description}
        changed = [
            name
            for name, value in wanted.items()
            if value and value != getattr(self, name)
        ]
        for name in changed:
            setattr(self, name, wanted[name])
        if changed:
            self.save(update_fields=changed)
        return bool(changed)


class SyncSource(models.Model):
    """What one connector, such as a sync client, may capture for a workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    connector_id = models.CharField(
        max_length=120, help_text="The connector's own name for itself."
    )
    sync_enabled = models.BooleanField(default=True)
    capture_types = models.JSONField(help_text="File types, each true or false.")
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "connector_id"], name="one_sync_source_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.connector_id} of {self.workspace}"


class Machine(models.Model):
    """A computer, as its sync client last told of itself."""

    name = models.CharField(
        max_length=200, unique=True, help_text="As its workspaces name it."
    )
    client_version = models.CharField(max_length=32)
    found = models.PositiveIntegerField(help_text="Files, in its last full run.")
    skipped = models.PositiveIntegerField(help_text="Left out on purpose.")
    failed = models.PositiveIntegerField()
    waiting = models.PositiveIntegerField(help_text="Not archived as they are now.")
    oldest_waiting_at = models.DateTimeField(
        null=True, blank=True, help_text="When the oldest of these was written."
    )
    reported_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ServerReadme(models.Model):
    """The one text that every assistant reads first; operators edit it in the admin."""

    text = models.TextField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = "server README"
        verbose_name_plural = "server README"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_server_readme")
        ]

    def __str__(self) -> str:
        return "Server README"
