// fastdeid with Nextflow: plan, partitions, finalise. See docs/cluster.md.

params.partitions = 64
params.fastdeid = 'fastdeid'

source = file(params.source).toAbsolutePath()
target = file(params.target).toAbsolutePath()
key = file(params.key).toAbsolutePath()
work = "${target}.link-table"

process plan {
    output:
    path 'plan.json'

    script:
    """
    ${params.fastdeid} plan '${source}' '${work}' --target '${target}' --key '${key}' \\
        --partitions ${params.partitions} --json > plan.json
    """
}

process partition {
    // 75: stopped at a clean commit; the same command goes on.
    errorStrategy { task.exitStatus == 75 ? 'retry' : 'finish' }
    maxRetries 20

    input:
    val number

    output:
    val number

    script:
    """
    ${params.fastdeid} partition '${work}' ${number} --key '${key}' --workers ${task.cpus}
    """
}

process finalise {
    publishDir "${work}/nextflow"

    input:
    val numbers

    output:
    path 'summary.json'

    script:
    // 3: some files are quarantined, the rest is whole.
    """
    ${params.fastdeid} finalise '${work}' --key '${key}' --json > summary.json || [ \$? -eq 3 ]
    """
}

workflow {
    planned = plan().map { json -> new groovy.json.JsonSlurper().parse(json.toFile()).partitions }
    done = partition(planned.flatMap { number -> 0..<number })
    finalise(done.collect())
}
